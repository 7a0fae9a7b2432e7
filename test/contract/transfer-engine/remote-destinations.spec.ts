import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { StationConfig } from '../../../src/platform/config/index.js';
import type { Destination } from '../../../src/storage/destinations/destination.js';
import { destinationConfigSchema } from '../../../src/storage/destinations/destination.config.js';
import { Destinations } from '../../../src/storage/destinations/destinations.js';
import { openDestination } from '../../../src/storage/destinations/open-destination.js';
import { RemoteHosts } from '../../../src/storage/hosts/remote-hosts.js';
import type { TransferTask } from '../../../src/storage/transfer-engine.port.js';
import { TransferEngines } from '../../../src/storage/transfer-engines.js';
import { TransferMetrics } from '../../../src/storage/transfer.metrics.js';
import { GRIDFTP_PROGRAMS, startGridftp, type TestGridftp } from '../../support/gridftp.js';
import { describeWithPrograms } from '../../support/needs-program.js';
import { SSHD_PROGRAMS, startSshd, type TestSshd } from '../../support/sshd.js';

describeWithPrograms('destinations on other machines', [...SSHD_PROGRAMS, ...GRIDFTP_PROGRAMS], () => {
  let sshd: TestSshd;
  let gridftp: TestGridftp;
  let folder: string;
  let hosts: RemoteHosts;
  let engines: TransferEngines;
  const registry = new Registry();
  const metrics = new TransferMetrics(registry);
  const opened: Destination[] = [];

  beforeAll(async () => {
    [sshd, gridftp] = await Promise.all([startSshd(), startGridftp()]);
  });
  afterAll(() => Promise.all([sshd.dispose(), gridftp.stop()]));
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'dm-destination-')));
    for (const name of ['station', 'storage/99IDZ/exp/data', 'there']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    writeFileSync(join(folder, 'storage/99IDZ/exp/data/a'), 'content');
    const storage = { hosts: { archive: sshd.host }, workers: 1, acl: [] };
    const config = { storage } as unknown as StationConfig;
    hosts = new RemoteHosts(config);
    engines = new TransferEngines(config, hosts, metrics);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((destination) => destination.close()));
    await engines.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(settings: object): Destination {
    const destination = openDestination(destinationConfigSchema.parse({ name: 'far', ...settings }), {
      defaults: {
        dataDir: join(folder, 'station'),
        storageRoot: join(folder, 'storage'),
        fileMode: 0o640,
        directoryMode: 0o2770,
        permissions: {},
      },
      engines,
      hosts,
      metrics,
    });
    opened.push(destination);
    return destination;
  }

  /** Of a file of the experiment. */
  function aTask(name: string, { fileMode, directoryMode }: Destination, experimentDirectory: Buffer): TransferTask {
    const sourcePath = join(folder, 'storage/99IDZ/exp/data', name);
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
      fileMode,
      directoryMode,
    };
  }

  const rsync = (more: object = {}) => open({ engine: 'rsync', host: 'archive', root: join(folder, 'there'), ...more });
  const server = (more: object = {}) =>
    open({
      engine: 'gridftp',
      address: '127.0.0.1',
      port: gridftp.server.port,
      root: join(folder, 'there'),
      ...more,
    });
  const kinds: [string, (more?: object) => Destination, string][] = [
    ['rsync', rsync, 'read-back'],
    ['gridftp', server, 'read-back-unsynced'],
  ];

  it.each(kinds)('%s keeps to its rate, and is counted', async (kind, openIt) => {
    const counted = async () =>
      Number(
        new RegExp(`transfer_bytes_total\\{engine="${kind}-push"\\} (\\d+)`).exec(await registry.metrics())?.[1] ?? 0,
      );
    const before = await counted();
    const destination = openIt({ bytesPerSecond: 1_000_000 });
    await destination.initialize();
    const directory = await destination.prepareDirectory(Buffer.from(join(folder, 'storage/99IDZ/exp')));
    const tasks = ['b', 'c'].map((name) => {
      writeFileSync(join(folder, 'storage/99IDZ/exp/data', name), Buffer.alloc(1_000_000, name));
      return aTask(name, destination, directory);
    });
    const start = performance.now();
    expect(await destination.engine.transfer(tasks)).toMatchObject(tasks.map(() => ({ status: 'published' })));
    expect(performance.now() - start).toBeGreaterThanOrEqual(990);
    expect((await counted()) - before).toBe(2_000_000);
  });

  it.each(kinds)('%s brings a copy to where the experiment lies there', async (_kind, openIt, proof) => {
    const destination = openIt();
    await destination.initialize();
    expect(await destination.absence()).toBeUndefined();
    expect(await destination.fullness(10)).toBeUndefined();
    const experiment = Buffer.from(join(folder, 'storage/99IDZ/exp'));
    const directory = await destination.prepareDirectory(experiment);
    expect(directory.toString()).toBe(join(folder, 'there/99IDZ/exp'));
    expect(statSync(directory).mode & 0o7777).toBe(0o2770);
    const outcomes = await destination.engine.transfer([aTask('a', destination, directory)]);
    expect(outcomes).toMatchObject([{ status: 'published', proof }]);
    expect(readFileSync(join(folder, 'there/99IDZ/exp/data/a'), 'utf8')).toBe('content');
  });

  it('rsync tells a directory whose mount has gone, and another one, from the one that it knows', async () => {
    const settings = { engine: 'rsync', host: 'archive', root: join(folder, 'there') };
    await open(settings).initialize();
    const marker = join(folder, 'there/.dm-storage');
    const id = readFileSync(marker, 'utf8');
    rmSync(marker);
    expect(await open(settings).absence()).toContain('marker');
    writeFileSync(marker, 'another\n');
    expect(await open(settings).absence()).toContain('another file system');
    writeFileSync(marker, id);
    expect(await open(settings).absence()).toBeUndefined();
  });

  it.runIf(process.getuid?.() === 0)('rsync gives files and directories its own owner and group', async () => {
    const destination = rsync({ owner: 'nobody', group: 'daemon' });
    await destination.initialize();
    await destination.requirePermissions();
    const directory = await destination.prepareDirectory(Buffer.from(join(folder, 'storage/99IDZ/exp')));
    await destination.engine.transfer([aTask('a', destination, directory)]);
    const idOf = (database: string, name: string) =>
      Number(execFileSync('getent', [database, name], { encoding: 'utf8' }).split(':')[2]);
    for (const path of ['there/99IDZ', 'there/99IDZ/exp', 'there/99IDZ/exp/data/a']) {
      expect(statSync(join(folder, path))).toMatchObject({
        uid: idOf('passwd', 'nobody'),
        gid: idOf('group', 'daemon'),
      });
    }
  });

  it('refuses the start for permissions that a destination refuses, not for one that is away', async () => {
    const start = async (settings: object) => {
      const one = { name: 'far', engine: 'rsync', host: 'archive', root: join(folder, 'there'), ...settings };
      const storage = { root: join(folder, 'storage'), acl: [], destinations: [destinationConfigSchema.parse(one)] };
      const config = { dataDir: join(folder, 'station'), storage } as unknown as StationConfig;
      await new Destinations(config, engines, hosts, metrics).onModuleInit();
    };
    await expect(start({ group: 'no-such-group-here' })).rejects.toMatchObject({ code: 'STORAGE_PERMISSIONS_REFUSED' });
    await sshd.stop();
    await start({ group: 'no-such-group-here' });
    await sshd.start();
    await expect(start({ group: 'no-such-group-here' })).rejects.toMatchObject({ code: 'STORAGE_PERMISSIONS_REFUSED' });
  });

  it('rsync says that it would get too full there', async () => {
    const destination = open({ engine: 'rsync', host: 'archive', root: join(folder, 'there') });
    expect(await destination.fullness(1e18)).toContain('Free some space there');
  });

  it('says that the host does not answer, and is there again with it', async () => {
    const destination = open({ engine: 'rsync', host: 'archive', root: join(folder, 'there') });
    await sshd.stop();
    expect(await destination.absence()).toContain('the host archive');
    await sshd.start();
    expect(await destination.absence()).toBeUndefined();
  });

  it('gridftp says that its root is not there', async () => {
    rmSync(join(folder, 'there'), { recursive: true });
    expect(await kinds[1]?.[1]().absence()).toContain('not a directory');
  });

  it('refuses a host that nobody configured', () => {
    expect(() => open({ engine: 'rsync', host: 'nobody', root: '/x' })).toThrow(/storage\.hosts/);
  });
});
