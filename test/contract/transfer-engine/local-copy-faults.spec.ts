import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TransferOutcome, TransferTask } from '../../../src/storage/index.js';
import { BatchCopier } from '../../../src/storage/local/copy-batch.js';

type Fault = (fd: number) => void;

/** What happens to a file system right after a call: once a copy is synced, it is yet to be read back. */
const fault = vi.hoisted(() => ({
  afterSync: undefined as Fault | undefined,
  afterOpen: undefined as Fault | undefined,
  afterRead: undefined as Fault | undefined,
}));

vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<typeof fs>();
  return {
    ...original,
    fsyncSync: (fd: number) => {
      original.fsyncSync(fd);
      fault.afterSync?.(fd);
    },
    openSync: (...how: Parameters<typeof fs.openSync>) => {
      const fd = original.openSync(...how);
      fault.afterOpen?.(fd);
      return fd;
    },
    readSync: (...how: Parameters<typeof fs.readSync>) => {
      const read = original.readSync(...how);
      fault.afterRead?.(how[0]);
      return read;
    },
  };
});

const SMALL = 50_000;
const LARGE = 9_000_001;
const md5 = (content: Uint8Array) => createHash('md5').update(content).digest('hex');

describe('faults in the middle of a copy', () => {
  let folder: string;
  let source: string;
  let experiment: string;
  let copier: BatchCopier;

  beforeEach(() => {
    folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'dm-copy-faults-')));
    source = join(folder, 'source');
    experiment = join(folder, 'experiment');
    fs.mkdirSync(source);
    fs.mkdirSync(join(experiment, 'data'), { recursive: true });
    copier = new BatchCopier();
  });
  afterEach(() => {
    Object.assign(fault, { afterSync: undefined, afterOpen: undefined, afterRead: undefined });
    copier.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  function aTask(name: string, content: Uint8Array, changes: Partial<TransferTask> = {}): TransferTask {
    fs.writeFileSync(join(source, name), content);
    const stats = fs.lstatSync(join(source, name), { bigint: true });
    return {
      id: name,
      sourcePath: Buffer.from(join(source, name)),
      sourceRoots: [Buffer.from(source)],
      expected: { sizeBytes: stats.size, mtimeNs: stats.mtimeNs, inode: stats.ino },
      experimentDirectory: Buffer.from(experiment),
      destinationPath: Buffer.from(`data/${name}`),
      replaces: null,
      mode: 'copy',
      proof: 'read-back',
      fileMode: 0o640,
      directoryMode: 0o750,
      ...changes,
    };
  }

  const inExperiment = () => fs.readdirSync(join(experiment, 'data'));
  /** Does something to the copy of the file `name`, once it is synced. */
  const onSyncOf = (name: string, change: (fd: number) => void) => {
    fault.afterSync = (fd) => {
      if (fs.readlinkSync(`/proc/self/fd/${fd}`).endsWith(`.dm-${name}.part`)) {
        change(fd);
      }
    };
  };
  const flipByte = (at: number) => (fd: number) => {
    const byte = Buffer.alloc(1);
    fs.readSync(fd, byte, 0, 1, at);
    fs.writeSync(fd, Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, at);
  };

  it.each([
    ['the first byte of a small file', SMALL, 0],
    ['the last byte of a small file', SMALL, SMALL - 1],
    ['the first byte of a large file', LARGE, 0],
    ['a byte in the middle of a large file', LARGE, 5_000_000],
    ['the last byte of a large file', LARGE, LARGE - 1],
  ])('throws a copy away in which %s is damaged', (_what, size, at) => {
    const content = randomBytes(size);
    const damaged = Buffer.from(content);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    const tasks = [aTask('a', content), aTask('b', randomBytes(size))];
    onSyncOf('a', flipByte(at));
    expect(statuses(copier.copy(tasks))).toEqual({ a: 'corrupt', b: 'published' });
    onSyncOf('a', flipByte(at));
    expect(copier.copy([tasks[0]!])).toEqual([
      { id: 'a', status: 'corrupt', md5Sum: md5(content), foundMd5Sum: md5(damaged) },
    ]);
    expect(inExperiment()).toEqual(['b']);
  });

  it.each([
    ['cut short', (fd: number) => fs.ftruncateSync(fd, fs.fstatSync(fd).size - 1)],
    ['longer', (fd: number) => void fs.writeSync(fd, 'x', fs.fstatSync(fd).size)],
    ['empty', (fd: number) => fs.ftruncateSync(fd, 0)],
  ])('throws a copy away that is %s', (_what, change) => {
    for (const size of [SMALL, LARGE, 8 * 1024 * 1024]) {
      onSyncOf('a', change);
      expect(statuses(copier.copy([aTask('a', randomBytes(size))]))).toEqual({ a: 'corrupt' });
      onSyncOf('a', change);
      expect(copier.copy([aTask('a', randomBytes(size), { proof: 'size' })])).toMatchObject([
        { status: 'failed', code: 'SIZE_DIFFERS', kind: 'transient' },
      ]);
      expect(inExperiment()).toEqual([]);
    }
  });

  it.each([
    ['is written to', (path: string) => fs.appendFileSync(path, 'more')],
    ['is rewritten in place', (path: string) => fs.writeFileSync(path, randomBytes(fs.statSync(path).size))],
    ['gives its name to another', (path: string) => fs.renameSync(`${path}.other`, path)],
  ])('publishes nothing of a file that %s meanwhile', (_what, change) => {
    for (const size of [SMALL, LARGE]) {
      const tasks = [aTask('a', randomBytes(size)), aTask('b', randomBytes(size))];
      fs.writeFileSync(join(source, 'a.other'), randomBytes(size));
      onSyncOf('a', () => change(join(source, 'a')));
      expect(statuses(copier.copy(tasks))).toEqual({ a: 'changed', b: 'published' });
      expect(inExperiment()).toEqual(['b']);
      fs.rmSync(join(experiment, 'data/b'));
    }
  });

  it.each([
    ['once it is opened', 'afterOpen', 1],
    ['to nothing once it is opened', 'afterOpen', 0],
    ['while it is read', 'afterRead', 1],
    ['to nothing while it is read', 'afterRead', 0],
  ] as const)('publishes nothing of a file that shrinks %s, and leaves nothing behind', (_what, moment, left) => {
    for (const size of [SMALL, LARGE]) {
      const tasks = [aTask('a', randomBytes(size)), aTask('b', randomBytes(size))];
      let shrunk = 0;
      fault[moment] = (fd) => {
        if (shrunk === 0 && fs.readlinkSync(`/proc/self/fd/${fd}`) === join(source, 'a')) {
          shrunk += 1;
          fs.truncateSync(join(source, 'a'), left);
        }
      };
      expect(statuses(copier.copy(tasks))).toEqual({ a: 'changed', b: 'published' });
      expect(shrunk).toBe(1);
      expect(inExperiment()).toEqual(['b']);
      fs.rmSync(join(experiment, 'data/b'));
    }
  });

  it('passes on only content that has the digest which was expected', () => {
    for (const size of [SMALL, LARGE]) {
      const content = randomBytes(size);
      const expectedMd5Sum = md5(content);
      const tasks = [aTask('a', randomBytes(size), { expectedMd5Sum }), aTask('b', content, { expectedMd5Sum })];
      expect(statuses(copier.copy(tasks))).toEqual({ a: 'changed', b: 'published' });
      fs.rmSync(join(experiment, 'data/b'));
    }
  });

  it('fails one file and not its neighbours when a call fails', () => {
    for (const size of [SMALL, LARGE]) {
      onSyncOf('b', () => {
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      });
      const outcomes = copier.copy(['a', 'b', 'c'].map((name) => aTask(name, randomBytes(size))));
      expect(outcomes[1]).toMatchObject({ id: 'b', status: 'failed', code: 'ENOSPC', kind: 'no-space' });
      expect(statuses(outcomes)).toEqual({ a: 'published', b: 'failed', c: 'published' });
      expect(inExperiment()).toEqual(['a', 'c']);
      fs.rmSync(join(experiment, 'data'), { recursive: true });
    }
  });

  it.runIf(process.getuid?.() === 0)('says that the storage area takes nothing when it is read-only', () => {
    const tasks = [aTask('a', randomBytes(SMALL)), aTask('b', randomBytes(LARGE)), aTask('c', randomBytes(SMALL))];
    tasks[2] = { ...tasks[2]!, destinationPath: Buffer.from('new directory/c') };
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', experiment]);
    try {
      fs.mkdirSync(join(experiment, 'data'));
      execFileSync('mount', ['-o', 'remount,ro', experiment]);
      for (const outcome of copier.copy(tasks)) {
        expect(outcome).toMatchObject({ status: 'failed', code: 'EROFS', kind: 'unavailable' });
      }
    } finally {
      execFileSync('umount', [experiment]);
    }
  });

  it('opens no more files than it closes', () => {
    const open = () => fs.readdirSync('/proc/self/fd').length;
    const tasks = ['a', 'b', 'c', 'd'].map((name) => aTask(name, randomBytes(name === 'c' ? LARGE : SMALL)));
    fs.rmSync(join(source, 'd'));
    onSyncOf('b', flipByte(7));
    copier.copy([aTask('warm-up', randomBytes(LARGE))]);
    const before = open();
    copier.copy(tasks);
    copier.copy(tasks.map((task) => ({ ...task, mode: 'compare' as const })));
    expect(open()).toBe(before);
  });
});

function statuses(outcomes: readonly TransferOutcome[]): Record<string, string> {
  return Object.fromEntries(outcomes.map(({ id, status }) => [id, status]));
}
