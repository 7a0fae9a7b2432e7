import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AreaRights, storageConfigSchema } from '../../../storage/index.js';
import { moveBack, moveFile } from './move-file.js';

const rights = new AreaRights({ storage: storageConfigSchema.parse({ root: '/', directoryMode: '0750' }) });

describe('a file that is moved out of the way', () => {
  let folder: string;
  const path = (...names: string[]) => Buffer.from(join(folder, ...names));
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dm-move-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('goes where it is told to, and comes back', async () => {
    writeFileSync(path('a'), 'damaged');
    const places = { from: Buffer.from('a'), to: Buffer.from('aside/1/a') };
    await moveFile(Buffer.from(folder), places, rights);
    expect([existsSync(path('a')), readFileSync(path('aside', '1', 'a'), 'utf8')]).toEqual([false, 'damaged']);
    expect(await moveBack(path('aside', '1', 'a'), path('a'))).toBe(true);
    expect([readFileSync(path('a'), 'utf8'), existsSync(path('aside', '1', 'a'))]).toEqual(['damaged', false]);
  });

  it.each([
    ['file', () => writeFileSync(path('aside'), 'damaged')],
    ['directory', () => mkdirSync(path('aside'))],
  ])('replaces nothing that has taken its name meanwhile (a %s)', async (_, make) => {
    make();
    writeFileSync(path('a'), 'newer');
    expect(await moveBack(path('aside'), path('a'))).toBe(false);
    expect([readFileSync(path('a'), 'utf8'), existsSync(path('aside'))]).toEqual(['newer', true]);
  });

  it('comes back though it is a directory, which has no hard links', async () => {
    mkdirSync(path('aside', 'below'), { recursive: true });
    expect(await moveBack(path('aside'), path('a'))).toBe(true);
    expect(existsSync(path('a', 'below'))).toBe(true);
  });
});
