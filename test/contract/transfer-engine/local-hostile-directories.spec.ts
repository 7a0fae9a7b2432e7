import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TransferTask } from '../../../src/storage/index.js';
import { BatchCopier } from '../../../src/storage/local/copy-batch.js';

/** What others do between the moment a copy is opened and the moment it gets its name. */
const meanwhile = vi.hoisted(() => ({ afterSync: undefined as (() => void) | undefined }));

vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<typeof fs>();
  return {
    ...original,
    fsyncSync: (fd: number) => {
      original.fsyncSync(fd);
      const { afterSync } = meanwhile;
      meanwhile.afterSync = undefined;
      afterSync?.();
    },
  };
});

describe('directories of people who mean harm, or just have many', () => {
  let folder: string;
  let source: string;
  let experiment: string;
  let outside: string;
  let copier: BatchCopier;
  let openBefore: number;

  const openFiles = () => fs.readdirSync('/proc/self/fd').length;

  beforeEach(() => {
    folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'dm-hostile-')));
    source = join(folder, 'source');
    experiment = join(folder, 'experiment');
    outside = join(folder, 'outside');
    fs.mkdirSync(source);
    fs.mkdirSync(join(experiment, 'data/d'), { recursive: true });
    fs.mkdirSync(outside);
    copier = new BatchCopier();
    openBefore = openFiles();
  });
  afterEach(() => {
    meanwhile.afterSync = undefined;
    expect(openFiles()).toBe(openBefore);
    copier.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  function aTask(path: string, content: string, changes: Partial<TransferTask> = {}): TransferTask {
    const sourcePath = join(source, path);
    fs.mkdirSync(join(sourcePath, '..'), { recursive: true });
    fs.writeFileSync(sourcePath, content);
    const stats = fs.lstatSync(sourcePath, { bigint: true });
    return {
      id: '42',
      sourcePath: Buffer.from(sourcePath),
      sourceRoots: [Buffer.from(source)],
      expected: { sizeBytes: stats.size, mtimeNs: stats.mtimeNs, inode: stats.ino },
      experimentDirectory: Buffer.from(experiment),
      destinationPath: Buffer.from(`data/${path}`),
      replaces: null,
      mode: 'copy',
      proof: 'read-back',
      fileMode: 0o640,
      directoryMode: 0o2770,
      ...changes,
    };
  }

  it.each(['data/d', 'data'])('a copy goes nowhere else when %s is swapped for a link meanwhile', (swapped) => {
    const task = aTask('d/a', 'content');
    fs.mkdirSync(join(outside, 'd'));
    meanwhile.afterSync = () => {
      fs.renameSync(join(experiment, swapped), join(experiment, 'moved'));
      fs.symlinkSync(outside, join(experiment, swapped));
    };
    expect(copier.copy([task])).toMatchObject([{ status: 'published' }]);
    expect(fs.readdirSync(outside, { recursive: true })).toEqual(['d']);
    const moved = join(experiment, 'moved', swapped === 'data' ? 'd/a' : 'a');
    expect(fs.readFileSync(moved, 'utf8')).toBe('content');
  });

  it('no directory is made behind a link that leads out', () => {
    fs.symlinkSync(outside, join(experiment, 'data/way-out'));
    expect(copier.copy([aTask('way-out/new/er/a', 'content')])).toMatchObject([{ status: 'failed', code: 'EPERM' }]);
    expect(fs.readdirSync(outside)).toEqual([]);
  });

  it('no older version is kept behind one, and it stays at its name', () => {
    fs.mkdirSync(join(experiment, 'system'));
    fs.symlinkSync(outside, join(experiment, 'system/versions'));
    fs.writeFileSync(join(experiment, 'data/a'), 'older');
    const task = aTask('a', 'newer', { replaces: { keepAs: Buffer.from('system/versions/v1/data/a') } });
    expect(copier.copy([task])).toMatchObject([{ status: 'failed', code: 'EPERM' }]);
    expect(fs.readdirSync(outside)).toEqual([]);
    expect(fs.readFileSync(join(experiment, 'data/a'), 'utf8')).toBe('older');
  });

  it('a file that is linked to the name of a copy under way is not written to', () => {
    fs.writeFileSync(join(outside, 'precious'), 'precious');
    fs.linkSync(join(outside, 'precious'), join(experiment, 'data/.dm-42.part'));
    expect(copier.copy([aTask('a', 'content')])).toMatchObject([{ status: 'published' }]);
    expect(fs.readFileSync(join(outside, 'precious'), 'utf8')).toBe('precious');
    expect(fs.readFileSync(join(experiment, 'data/a'), 'utf8')).toBe('content');
  });

  it('a FIFO of that name holds nothing up', () => {
    execFileSync('mkfifo', [join(experiment, 'data/.dm-42.part')]);
    expect(copier.copy([aTask('a', 'content')])).toMatchObject([{ status: 'published' }]);
    expect(fs.readdirSync(join(experiment, 'data')).sort()).toEqual(['a', 'd']);
  });

  it('files of a hundred directories go in one batch, with few of them open at a time', () => {
    const names = Array.from({ length: 100 }, (_, number) => `many/${number}/a`);
    // Twice over, so that directories are entered again after they were closed.
    const tasks = ['', '.b'].flatMap((ending) =>
      names.map((name) => aTask(`${name}${ending}`, name, { id: `${name.split('/')[1]}${ending}` })),
    );
    let most = 0;
    const count = () => {
      most = Math.max(most, openFiles());
      meanwhile.afterSync = count;
    };
    meanwhile.afterSync = count;
    expect(new Set(copier.copy(tasks).map(({ status }) => status))).toEqual(new Set(['published']));
    expect(names.map((name) => fs.readFileSync(join(experiment, 'data', `${name}.b`), 'utf8'))).toEqual(names);
    // Two for each of 32 files, and twice as many directories at most on each side.
    expect(most - openBefore).toBeLessThan(64 + 32 + 64 + 10);
  });

  it('a name of 255 bytes arrives, and its older version is kept', () => {
    const name = 'n'.repeat(255);
    fs.writeFileSync(join(experiment, 'data', name), 'older');
    const keepAs = Buffer.from(`system/versions/v1/data/${name}`);
    expect(copier.copy([aTask(name, 'newer', { id: '9223372036854775807', replaces: { keepAs } })])).toMatchObject([
      { status: 'published', keptPrevious: true },
    ]);
    expect(fs.readFileSync(join(experiment, 'data', name), 'utf8')).toBe('newer');
    expect(fs.readFileSync(join(experiment, keepAs.toString()), 'utf8')).toBe('older');
  });
});
