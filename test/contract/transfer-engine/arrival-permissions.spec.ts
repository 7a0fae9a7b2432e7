import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { permissionsOf } from '../../../src/storage/area-permissions.js';
import { RsyncPull } from '../../../src/storage/engines/rsync/rsync-pull.js';
import { RsyncPush } from '../../../src/storage/engines/rsync/rsync-push.js';
import { ShellDestination } from '../../../src/storage/engines/shell-destination.js';
import { ShellSource } from '../../../src/storage/engines/shell-source.js';
import { StagedTransferEngine } from '../../../src/storage/engines/staged-transfer-engine.js';
import type { TransferEngine, TransferTask } from '../../../src/storage/index.js';
import { LocalTransferEngine } from '../../../src/storage/local/local-transfer-engine.js';
import { requirePermissions, resolvePermissions } from '../../../src/storage/resolved-permissions.js';
import { LocalShell } from '../../../src/storage/shell/local-shell.js';
import { SshShell } from '../../../src/storage/shell/ssh-shell.js';
import { describeWithPrograms } from '../../support/needs-program.js';
import { SSHD_PROGRAMS, startSshd, type TestSshd } from '../../support/sshd.js';

const isRoot = process.getuid?.() === 0;
if (!isRoot) {
  console.warn('\n!!! SKIPPED: owner, group and ACL of arriving files, since only root may give files away. !!!\n');
}

/** Accounts that every Debian has. */
const POLICY = permissionsOf({ owner: 'nobody', group: 'daemon', acl: ['user:games:rwX', 'group:mail:rX'] });

describeWithPrograms('permissions of arriving files', [...SSHD_PROGRAMS, 'setfacl', 'getfacl'], () => {
  let sshd: TestSshd;
  let folder: string;
  let engine: TransferEngine | undefined;

  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.dispose());
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'dm-permissions-')));
    mkdirSync(join(folder, 'source/deep/er'), { recursive: true });
    mkdirSync(join(folder, 'experiment/data'), { recursive: true });
    writeFileSync(join(folder, 'source/deep/er/a'), 'content');
  });
  afterEach(async () => {
    await engine?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function aTask(destinationPath: Buffer): TransferTask {
    const sourcePath = join(folder, 'source/deep/er/a');
    const stats = lstatSync(sourcePath, { bigint: true });
    return {
      id: '42',
      sourcePath: Buffer.from(sourcePath),
      sourceRoots: [Buffer.from(join(folder, 'source'))],
      expected: { sizeBytes: stats.size, mtimeNs: stats.mtimeNs, inode: stats.ino },
      experimentDirectory: Buffer.from(join(folder, 'experiment')),
      destinationPath,
      replaces: null,
      mode: 'copy',
      proof: 'read-back',
      fileMode: 0o640,
      directoryMode: 0o2770,
    };
  }

  const aclOf = (path: string): string[] =>
    execFileSync('getfacl', ['-cpE', path], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line !== '');

  const engines: [string, () => TransferEngine][] = [
    ['local', () => new LocalTransferEngine(1, resolvePermissions(POLICY))],
    [
      'rsync push',
      () => {
        const shell = new SshShell('store', sshd.host);
        return new StagedTransferEngine(
          new ShellSource(new LocalShell()),
          new ShellDestination(shell, POLICY),
          new RsyncPush(shell),
          () => shell.close(),
        );
      },
    ],
    [
      'rsync pull',
      () => {
        const shell = new SshShell('detector', sshd.host);
        return new StagedTransferEngine(
          new ShellSource(shell),
          new ShellDestination(new LocalShell(), POLICY),
          new RsyncPull(shell),
          () => shell.close(),
        );
      },
    ],
  ];

  describe.runIf(isRoot).each(engines)('%s', (_name, open) => {
    it('gives files and the directories that it makes owner, group, mode and list', async () => {
      engine = open();
      expect(await engine.transfer([aTask(Buffer.from('data/deep/er/a'))])).toMatchObject([{ status: 'published' }]);
      const nobody = Number(execFileSync('id', ['-u', 'nobody']));
      const daemon = Number(execFileSync('getent', ['group', 'daemon'], { encoding: 'utf8' }).split(':')[2]);
      const file = statSync(join(folder, 'experiment/data/deep/er/a'));
      expect({ uid: file.uid, gid: file.gid, mode: file.mode & 0o7777 }).toEqual({
        uid: nobody,
        gid: daemon,
        mode: 0o640,
      });
      for (const path of ['data/deep', 'data/deep/er']) {
        const directory = statSync(join(folder, 'experiment', path));
        expect({ uid: directory.uid, gid: directory.gid, mode: directory.mode & 0o7777 }).toEqual({
          uid: nobody,
          gid: daemon,
          mode: 0o2770,
        });
        expect(aclOf(join(folder, 'experiment', path))).toEqual(
          expect.arrayContaining([
            'user:games:rwx',
            'group:mail:r-x',
            'default:user:games:rwx',
            'default:group:mail:r-x',
          ]),
        );
      }
      const acl = aclOf(join(folder, 'experiment/data/deep/er/a'));
      expect(acl.filter((line) => line.startsWith('user:games:rw') || line.startsWith('group:mail:r'))).toHaveLength(2);
      // The group bits of the file's mode bound what the entries give.
      expect(acl).toContain('mask::r--');
    });

    it('gives them in a directory that was there before, and in one with an awkward name', async () => {
      engine = open();
      const outcomes = await engine.transfer([
        aTask(Buffer.from('data/a')),
        { ...aTask(Buffer.from([...Buffer.from('data/'), 0xff, 0x0a, 0x20, ...Buffer.from('/a')])), id: '43' },
      ]);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(['published', 'published']);
      expect(aclOf(join(folder, 'experiment/data/a'))).toContain('mask::r--');
    });
  });

  it.runIf(isRoot)('is refused at the start, with what to do, when the station may not give files away', async () => {
    chmodSync(folder, 0o777);
    process.seteuid?.(65534);
    try {
      // Seen from an account that owns nobody's files: giving them to root is refused to it.
      const giving = { ...POLICY, owner: 'root' };
      await expect(requirePermissions(folder, giving, resolvePermissions(giving))).rejects.toMatchObject({
        code: 'STORAGE_PERMISSIONS_REFUSED',
        message: expect.stringContaining('storage.owner root') as string,
      });
    } finally {
      process.seteuid?.(0);
    }
    await expect(requirePermissions(folder, POLICY, resolvePermissions(POLICY))).resolves.toBeUndefined();
  });

  it('names the account that this machine does not know', () => {
    expect(() => resolvePermissions({ group: 'no-such-group-here' })).toThrow(/storage\.group/);
    expect(() => resolvePermissions({ owner: 'no-such-user-here' })).toThrow(/storage\.owner/);
  });
});
