import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdsFiles } from './file-search.js';

describe(holdsFiles.name, () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'dm-file-search-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  it('finds nothing in directories, however deep, and in none at all', async () => {
    await mkdir(join(root, 'a/b/c'), { recursive: true });

    expect(await holdsFiles(root)).toBe(false);
    expect(await holdsFiles(join(root, 'missing'))).toBe(false);
  });

  it.each(['a/b/c/file', 'a/b/.hidden'])('finds %s', async (file) => {
    await mkdir(join(root, 'a/b/c'), { recursive: true });
    await writeFile(join(root, file), '');

    expect(await holdsFiles(root)).toBe(true);
  });

  it('takes links for content and does not follow them', async () => {
    await symlink('.', join(root, 'loop'));

    expect(await holdsFiles(root)).toBe(true);
  });

  it('takes what it cannot look into for content', async () => {
    await mkdir(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff, 0xfe)]));

    expect(await holdsFiles(root)).toBe(true);
  });
});
