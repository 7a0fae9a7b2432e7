import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { RsyncPull } from '../../../src/storage/engines/rsync/rsync-pull.js';
import { RsyncPush } from '../../../src/storage/engines/rsync/rsync-push.js';
import { ShellDestination } from '../../../src/storage/engines/shell-destination.js';
import { ShellSource } from '../../../src/storage/engines/shell-source.js';
import type { Mover } from '../../../src/storage/engines/sides.port.js';
import { StagedTransferEngine } from '../../../src/storage/engines/staged-transfer-engine.js';
import type { TransferEngine, TransferTask } from '../../../src/storage/index.js';
import { LocalShell } from '../../../src/storage/shell/local-shell.js';
import { SshShell } from '../../../src/storage/shell/ssh-shell.js';
import { describeWithPrograms } from '../../support/needs-program.js';
import { SSHD_PROGRAMS, startSshd, type TestSshd } from '../../support/sshd.js';

describeWithPrograms('rsync over ssh when something goes wrong', [...SSHD_PROGRAMS, 'setfacl'], () => {
  let sshd: TestSshd;
  let folder: string;
  let opened: TransferEngine[] = [];
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.dispose());
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'dm-rsync-')));
    mkdirSync(join(folder, 'source'));
    mkdirSync(join(folder, 'experiment'));
  });
  afterEach(async () => {
    await Promise.all(opened.map((engine) => engine.close()));
    opened = [];
    rmSync(folder, { recursive: true, force: true });
  });

  function push(options: { bytesPerSecond?: number; through?: (mover: Mover) => Mover } = {}): TransferEngine {
    const shell = new SshShell('store', sshd.host);
    const mover = new RsyncPush(shell, options.bytesPerSecond);
    return track(
      new StagedTransferEngine(
        new ShellSource(new LocalShell()),
        new ShellDestination(shell, {}),
        options.through?.(mover) ?? mover,
        () => shell.close(),
      ),
    );
  }

  function pull(bytesPerSecond?: number): TransferEngine {
    const shell = new SshShell('detector', sshd.host);
    return track(
      new StagedTransferEngine(
        new ShellSource(shell),
        new ShellDestination(new LocalShell(), {}),
        new RsyncPull(shell, bytesPerSecond),
        () => shell.close(),
      ),
    );
  }

  function track(engine: TransferEngine): TransferEngine {
    opened.push(engine);
    return engine;
  }

  function aTask(name: string, changes: Partial<TransferTask> = {}): TransferTask {
    const stats = lstatSync(join(folder, 'source', name), { bigint: true });
    return {
      id: '42',
      sourcePath: Buffer.from(join(folder, 'source', name)),
      sourceRoots: [Buffer.from(join(folder, 'source'))],
      expected: { sizeBytes: stats.size, mtimeNs: stats.mtimeNs, inode: stats.ino },
      experimentDirectory: Buffer.from(join(folder, 'experiment')),
      destinationPath: Buffer.from(`data/${name}`),
      replaces: null,
      mode: 'copy',
      proof: 'read-back',
      fileMode: 0o640,
      directoryMode: 0o2770,
      ...changes,
    };
  }

  function filesBelow(directory: string): string[] {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
      .sort();
  }

  it.each([
    ['push', push],
    ['pull', (options: { bytesPerSecond?: number } = {}) => pull(options.bytesPerSecond)],
  ])('survives a connection cut in the middle of a %s: nothing half there, then all of it', async (_way, open) => {
    const content = randomBytes(12_000_000);
    writeFileSync(join(folder, 'source/small'), 'small');
    writeFileSync(join(folder, 'source/large'), content);
    const tasks = [aTask('small', { id: '41' }), aTask('large')];
    const underWay = open({ bytesPerSecond: 2_000_000 }).transfer(tasks);
    const cutting = (async () => {
      await pause(2500);
      expect(sshd.cut()).toBeGreaterThan(0);
    })();
    await expect(underWay).rejects.toMatchObject({ code: 'HOST_UNREACHABLE', retryable: true });
    await cutting;
    expect(filesBelow(join(folder, 'experiment')).filter((path) => !path.includes('.dm-'))).toEqual([]);

    const engine = open();
    await engine.discard(tasks);
    expect(filesBelow(join(folder, 'experiment'))).toEqual([]);
    expect((await engine.transfer(tasks)).map((outcome) => outcome.status)).toEqual(['published', 'published']);
    expect(readFileSync(join(folder, 'experiment/data/large')).equals(content)).toBe(true);
    expect(filesBelow(join(folder, 'experiment'))).toEqual(['data/large', 'data/small']);
  });

  it('goes on by itself when the host comes back', async () => {
    writeFileSync(join(folder, 'source/a'), 'content');
    const engine = push();
    await sshd.stop();
    await expect(engine.transfer([aTask('a')])).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' });
    await sshd.start();
    expect(await engine.transfer([aTask('a')])).toMatchObject([{ status: 'published', proof: 'read-back' }]);
    expect(sshd.cut()).toBeGreaterThan(0);
    await pause(300);
    writeFileSync(join(folder, 'source/b'), 'content');
    expect(await engine.transfer([aTask('b')])).toMatchObject([{ status: 'published' }]);
  });

  it('refuses a host whose key is not the one it knows, and says what to do', async () => {
    const known = sshd.host.knownHostsFile ?? '';
    const right = readFileSync(known, 'utf8');
    writeFileSync(known, '');
    writeFileSync(join(folder, 'source/a'), 'content');
    try {
      await expect(push().transfer([aTask('a')])).rejects.toMatchObject({
        code: 'HOST_KEY_UNKNOWN',
        message: expect.stringContaining('knownHostsFile') as string,
      });
    } finally {
      writeFileSync(known, right);
    }
  });

  it('finds a copy that was corrupted on its way, tells both digests and throws it away', async () => {
    writeFileSync(join(folder, 'source/a'), 'content');
    const corrupting = (mover: Mover): Mover => ({
      move: async (moves) => {
        const faults = await mover.move(moves);
        moves.forEach((move) => writeFileSync(Buffer.from(move.temporaryPath), 'cOntent'));
        return faults;
      },
      close: () => mover.close(),
    });
    expect(await push({ through: corrupting }).transfer([aTask('a')])).toEqual([
      {
        id: '42',
        status: 'corrupt',
        md5Sum: '9a0364b9e99bb480dd25e1f0284c8555',
        foundMd5Sum: execFileSync('md5sum', { input: 'cOntent', encoding: 'utf8' }).slice(0, 32),
      },
    ]);
    expect(filesBelow(join(folder, 'experiment'))).toEqual([]);
  });

  it('notices a source that is written to while it is carried over', async () => {
    writeFileSync(join(folder, 'source/a'), 'content');
    const writing = (mover: Mover): Mover => ({
      move: async (moves) => {
        const faults = await mover.move(moves);
        appendFileSync(join(folder, 'source/a'), ' and more');
        return faults;
      },
      close: () => mover.close(),
    });
    expect(await push({ through: writing }).transfer([aTask('a')])).toMatchObject([{ status: 'changed' }]);
    expect(filesBelow(join(folder, 'experiment'))).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)('says that the disk there is full, as what it is', async () => {
    const full = join(folder, 'experiment');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', full]);
    try {
      writeFileSync(join(folder, 'source/a'), randomBytes(4_000_000));
      writeFileSync(join(folder, 'source/b'), 'small');
      for (const engine of [push(), pull()]) {
        const outcomes = await engine.transfer([aTask('a'), aTask('b', { id: '43' })]);
        expect(outcomes.find((outcome) => outcome.id === '42')).toMatchObject({
          status: 'failed',
          kind: 'no-space',
          code: 'ENOSPC',
        });
        expect(filesBelow(full).filter((path) => path.includes('.dm-'))).toEqual([]);
      }
    } finally {
      execFileSync('umount', [full]);
    }
  });

  it.runIf(process.getuid?.() === 0)('says that the storage area takes nothing when it is read-only', async () => {
    const area = join(folder, 'experiment');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', area]);
    try {
      mkdirSync(join(area, 'data'));
      execFileSync('mount', ['-o', 'remount,ro', area]);
      writeFileSync(join(folder, 'source/a'), 'content');
      for (const engine of [push(), pull()]) {
        expect(await engine.transfer([aTask('a')])).toMatchObject([{ code: 'EROFS', kind: 'unavailable' }]);
      }
    } finally {
      execFileSync('umount', [area]);
    }
  });

  it('brings a batch of many small files in a handful of calls', async () => {
    const tasks = Array.from({ length: 300 }, (_, index) => {
      const name = `f${index}`;
      writeFileSync(join(folder, 'source', name), randomBytes(1000));
      return aTask(name, { id: String(index), destinationPath: Buffer.from(`data/${index % 7}/${name}`) });
    });
    const outcomes = await push().transfer(tasks);
    expect(new Set(outcomes.map((outcome) => outcome.status))).toEqual(new Set(['published']));
    expect(filesBelow(join(folder, 'experiment'))).toHaveLength(300);
  });
});
