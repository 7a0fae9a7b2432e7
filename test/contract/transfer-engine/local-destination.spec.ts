import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AreaPermissions, permissionsOf } from '../../../src/storage/area-permissions.js';
import type { Destination } from '../../../src/storage/destinations/destination.js';
import { destinationConfigSchema } from '../../../src/storage/destinations/destination.config.js';
import { LocalDestination } from '../../../src/storage/destinations/local-destination.js';
import type { TransferTask } from '../../../src/storage/transfer-engine.port.js';
import { TransferMetrics } from '../../../src/storage/transfer.metrics.js';
import { describeWithPrograms } from '../../support/needs-program.js';

describe(LocalDestination.name, () => {
  let folder: string;
  let registry: Registry;
  let destination: Destination | undefined;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'dm-destination-')));
    registry = new Registry();
    for (const name of ['station', 'storage/99IDZ/exp/data']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
  });
  afterEach(async () => {
    await destination?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(settings: object = {}, permissions: AreaPermissions = {}): Destination {
    const config = destinationConfigSchema.parse({
      name: 'mirror',
      engine: 'local',
      root: join(folder, 'mirror'),
      ...settings,
    });
    if (config.engine !== 'local') {
      throw new Error('not a local one');
    }
    const defaults = {
      dataDir: join(folder, 'station'),
      storageRoot: join(folder, 'storage'),
      fileMode: 0o640,
      directoryMode: 0o2770,
      permissions,
    };
    destination = new LocalDestination(config, defaults, new TransferMetrics(registry));
    return destination;
  }

  /** Of a new file of the experiment. */
  function aTask(name: string, content: string | Buffer, experimentDirectory: Buffer): TransferTask {
    const sourcePath = join(folder, 'storage/99IDZ/exp/data', name);
    writeFileSync(sourcePath, content);
    const stats = statSync(sourcePath, { bigint: true });
    return {
      id: name,
      sourcePath: Buffer.from(sourcePath),
      sourceRoots: [Buffer.from(join(folder, 'storage'))],
      expected: { sizeBytes: stats.size, mtimeNs: stats.mtimeNs, inode: stats.ino },
      experimentDirectory,
      destinationPath: Buffer.from(`data/${name}`),
      replaces: null,
      mode: 'copy',
      proof: 'read-back',
      fileMode: 0o640,
      directoryMode: 0o2770,
    };
  }

  const experiment = () => Buffer.from(join(folder, 'storage/99IDZ/exp'));

  it('keeps to its rate, and is counted apart from the storage area', async () => {
    const mirror = open({ bytesPerSecond: 1_000_000 });
    await mirror.initialize();
    const directory = await mirror.prepareDirectory(experiment());
    const tasks = ['b', 'c'].map((name) => aTask(name, Buffer.alloc(1_000_000, name), directory));
    const start = performance.now();
    expect(await mirror.engine.transfer(tasks)).toMatchObject(tasks.map(() => ({ status: 'published' })));
    expect(performance.now() - start).toBeGreaterThanOrEqual(990);
    expect(await registry.metrics()).toContain('dm_storage_transfer_bytes_total{engine="local-push"} 2000000');
  });

  const isRoot = process.getuid?.() === 0;
  if (!isRoot) {
    console.warn('\n!!! SKIPPED: owner and group at a local destination, since only root may give files away. !!!\n');
  }

  describe.runIf(isRoot)('where files may be given away', () => {
    describeWithPrograms('permissions', ['setfacl', 'getfacl'], () => {
      const idOf = (database: string, name: string) =>
        Number(execFileSync('getent', [database, name], { encoding: 'utf8' }).split(':')[2]);
      const aclOf = (path: string) => execFileSync('getfacl', ['-cpE', path], { encoding: 'utf8' });

      /** A copy that was made with these settings, and the directories above it. */
      async function copied(settings: object): Promise<{ file: string; directories: string[] }> {
        const mirror = open(settings, permissionsOf({ group: 'mail', acl: ['user:games:rwX'] }));
        await mirror.initialize();
        await mirror.requirePermissions();
        const directory = await mirror.prepareDirectory(experiment());
        expect(await mirror.engine.transfer([aTask('a', 'content', directory)])).toMatchObject([
          { status: 'published' },
        ]);
        const at = (path: string) => join(folder, 'mirror/99IDZ', path);
        return { file: at('exp/data/a'), directories: ['', 'exp', 'exp/data'].map(at) };
      }

      it('are those of the storage area where it says nothing', async () => {
        const { file, directories } = await copied({});
        for (const path of [file, ...directories]) {
          expect(statSync(path)).toMatchObject({ uid: 0, gid: idOf('group', 'mail') });
          expect(aclOf(path)).toContain('user:games:');
        }
        directories.forEach((path) => expect(statSync(path).mode & 0o7777).toBe(0o2770));
      });

      it('are its own where it has them, those of the experiment directory included', async () => {
        const { file, directories } = await copied({ owner: 'nobody', group: 'daemon', acl: ['group:staff:rX'] });
        for (const path of [file, ...directories]) {
          expect(statSync(path)).toMatchObject({ uid: idOf('passwd', 'nobody'), gid: idOf('group', 'daemon') });
          expect(aclOf(path)).toContain('group:staff:');
          expect(aclOf(path)).not.toContain('user:games:');
        }
      });

      it('can be none at all beside the modes', async () => {
        const { file } = await copied({ acl: [] });
        expect(aclOf(file)).not.toContain('user:games:');
      });

      it('are refused at the start, with the name of the destination, when the station may not give them', async () => {
        const mirror = open({ owner: 'root', group: 'root', acl: [] });
        await mirror.initialize();
        chmodSync(join(folder, 'mirror'), 0o777);
        chmodSync(join(folder, 'station'), 0o777);
        chmodSync(join(folder, 'station/destination-mirror.json'), 0o666);
        chmodSync(folder, 0o777);
        process.seteuid?.(65534);
        try {
          await expect(mirror.requirePermissions()).rejects.toMatchObject({
            code: 'STORAGE_PERMISSIONS_REFUSED',
            message: expect.stringContaining('storage.destinations (mirror).owner root') as string,
          });
        } finally {
          process.seteuid?.(0);
        }
      });
    });
  });

  it('names the account that this machine does not know', () => {
    expect(() => open({ group: 'no-such-group-here' })).toThrow(/storage\.destinations \(mirror\)\.group/);
  });
});
