import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookAt } from './file-looks.js';
import type { ScanBatch, ScanRequest } from './source-tree.port.js';
import { CLOCK_GRAIN_MS, TreeWalk } from './tree-walk.js';

/** Any that is not root. */
const PLAIN_ACCOUNT = 65534;
const filter = {
  includePatterns: [],
  excludePatterns: [],
  includeFileExtensions: [],
  excludeFileExtensions: [],
  onlyFiles: [],
  processHidden: false,
  ignoredNames: [],
  temporaryNames: ['*.part'],
};

describe(TreeWalk.name, () => {
  let root: string;
  let nowMs: number;
  let looks: number;
  let walk: TreeWalk;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dm-walk-'));
    nowMs = 0;
    looks = 0;
    walk = new TreeWalk({
      root: Buffer.from(root),
      batchSize: 10,
      lookAtAll: (paths) => {
        looks += paths.length;
        return paths.map((path) => lookAt(Buffer.from(root), path));
      },
      beat: () => undefined,
      nowMs: () => nowMs,
    });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const write = (path: string, content = 'x') => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  };

  async function pass(request: Partial<ScanRequest> = {}): Promise<ScanBatch> {
    const all: ScanBatch = { files: [], problems: [], directories: [] };
    for await (const { batch, taken } of walk.pass({ pass: 'changes', filter, ...request })) {
      all.files.push(...batch.files);
      all.problems.push(...batch.problems);
      all.directories.push(...batch.directories);
      taken();
    }
    return all;
  }
  const names = (found: { relativePath: Uint8Array }[]) => found.map((one) => textOf(one.relativePath)).sort();
  const textOf = (path: Uint8Array) => Buffer.from(path).toString();

  /** Lists everything twice, far enough apart for the listings to be conclusive. */
  async function knowAll(): Promise<void> {
    await pass();
    nowMs += CLOCK_GRAIN_MS;
    await pass();
  }

  it('answers every file once, and only new ones after that', async () => {
    for (let at = 0; at < 35; at += 1) {
      write(`scan/${at % 4}/${at}.tif`);
    }
    expect((await pass()).files).toHaveLength(35);
    expect((await pass()).files).toEqual([]);
    write('scan/new/36.tif');
    expect(names((await pass()).files)).toEqual(['scan/new/36.tif']);
  });

  it('does not list again what cannot have changed', async () => {
    write('a/1');
    write('b/1');
    await knowAll();
    looks = 0;
    write('b/2');
    expect(names((await pass()).files)).toEqual(['b/2']);
    expect(looks).toBe(2);
  });

  it('lists a directory again whose mtime is too young to show that a file has come', async () => {
    write('a/1');
    const stamp = new Date(1_700_000_000_000);
    utimesSync(join(root, 'a'), stamp, stamp);
    expect(names((await pass()).files)).toEqual(['a/1']);
    // The clock of the file system has not ticked between the listing and this file.
    write('a/2');
    utimesSync(join(root, 'a'), stamp, stamp);
    nowMs += CLOCK_GRAIN_MS - 1;
    expect(names((await pass()).files)).toEqual(['a/2']);
  });

  it('finds a file that was rewritten in place in a full pass, not before', async () => {
    write('a/1', 'old');
    await knowAll();
    write('a/1', 'new');
    expect((await pass()).files).toEqual([]);
    expect(names((await pass({ pass: 'full' })).files)).toEqual(['a/1']);
  });

  it('answers again what the caller did not take', async () => {
    for (let at = 0; at < 25; at += 1) {
      write(`${at}.tif`);
    }
    for await (const { batch } of walk.pass({ pass: 'changes', filter })) {
      expect(batch.files.length).toBeGreaterThan(0);
      break;
    }
    expect((await pass()).files).toHaveLength(25);
  });

  it('lists only what it is asked for, and what is new below', async () => {
    write('a/1');
    write('b/1');
    await knowAll();
    write('a/2');
    write('b/new/deep/2');
    expect(names((await pass({ only: [Buffer.from('b')] })).files)).toEqual(['b/new/deep/2']);
    expect(names((await pass({ only: [Buffer.from('c/not/there')] })).files)).toEqual([]);
  });

  it('follows a directory that was renamed, and forgets what is gone', async () => {
    write('a/sub/1');
    await knowAll();
    expect(walk.directories).toBe(3);
    renameSync(join(root, 'a'), join(root, 'b'));
    expect(names((await pass()).files)).toEqual(['b/sub/1']);
    rmSync(join(root, 'b'), { recursive: true });
    await pass();
    expect(walk.directories).toBe(1);
  });

  it('tells of each directory once', async () => {
    write('a/b/1');
    expect((await pass()).directories.map(textOf)).toEqual(['', 'a', 'a/b']);
    expect((await pass({ pass: 'full' })).directories).toEqual([]);
  });

  it('names what it does not take, and why', async () => {
    write('a/half.part');
    symlinkSync('/etc', join(root, 'link'));
    symlinkSync('nowhere', join(root, 'broken'));
    const { files, problems } = await pass();
    expect(files).toEqual([]);
    expect(problems.map(({ relativePath, code }) => [textOf(relativePath), code]).sort()).toEqual([
      ['a/half.part', 'TEMPORARY_NAME'],
      ['broken', 'SYMBOLIC_LINK'],
      ['link', 'SYMBOLIC_LINK'],
    ]);
  });

  it('names a directory that it may not read, and takes the others', async () => {
    write('a/1');
    write('b/1');
    chmodSync(root, 0o755);
    chmodSync(join(root, 'a'), 0);
    const { problems, files } = await asPlainAccount(() => pass());
    expect(problems).toMatchObject([{ relativePath: Buffer.from('a'), code: 'EACCES' }]);
    expect(names(files)).toEqual(['b/1']);
    chmodSync(join(root, 'a'), 0o755);
    expect(names((await asPlainAccount(() => pass())).files)).toEqual(['a/1']);
  });

  it('says that the root is gone', async () => {
    rmSync(root, { recursive: true });
    expect((await pass()).problems).toMatchObject([{ relativePath: Buffer.alloc(0), code: 'ENOENT' }]);
  });

  it('looks at files that were named, and at nothing else', async () => {
    write('a/1');
    write('a/2');
    const found = await pass({ pass: 'full', filter: { ...filter, onlyFiles: ['a/1', 'a/3'] } });
    expect(names(found.files)).toEqual(['a/1']);
    expect(found.problems).toMatchObject([{ code: 'NO_SUCH_FILE' }]);
    expect(looks).toBe(2);
  });

  it('gives the room of removed directories back', async () => {
    for (let at = 0; at < 3000; at += 1) {
      mkdirSync(join(root, `d${at}`));
    }
    await pass();
    rmSync(root, { recursive: true });
    write('left/1');
    expect(names((await pass()).files)).toEqual(['left/1']);
    write('left/2');
    expect(names((await pass()).files)).toEqual(['left/2']);
    expect(walk.directories).toBe(2);
  });
});

/** Root may read everything, so modes are tried as an account that may not. */
async function asPlainAccount<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  if (process.geteuid?.() !== 0) {
    return work();
  }
  process.seteuid?.(PLAIN_ACCOUNT);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
