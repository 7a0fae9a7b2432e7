import { execFileSync } from 'node:child_process';
import { constants, closeSync, mkdtempSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MarkedDirectory } from './marked-directory.js';

describe(MarkedDirectory, () => {
  let folder: string;
  let marker: string;
  let directory: MarkedDirectory;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dm-marked-'));
    marker = join(folder, 'area', '.dm-storage');
    directory = new MarkedDirectory(join(folder, 'area'), 'The storage area', join(folder, 'known.json'), 200);
    await directory.initialize();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('says in time that a file system hangs, holds one thread with it, and finds it well again', async () => {
    const id = await readFile(marker, 'utf8');
    renameSync(marker, `${marker}.away`);
    // Opening a FIFO that nobody writes to hangs as a dead mount does.
    execFileSync('mkfifo', [marker]);

    const answers = await Promise.all(Array.from({ length: 20 }, () => directory.absence()));
    expect(new Set(answers)).toEqual(new Set([expect.stringContaining('no answer within 200 ms')]));
    // libuv's pool has four threads: were they all stuck, this would wait for ever.
    await writeFile(join(folder, 'elsewhere'), 'x');
    expect(await readFile(join(folder, 'elsewhere'), 'utf8')).toBe('x');

    const writer = openSync(marker, constants.O_RDWR | constants.O_NONBLOCK);
    writeSync(writer, id);
    rmSync(marker);
    renameSync(`${marker}.away`, marker);
    closeSync(writer);
    await expect.poll(() => directory.absence(), { timeout: 10_000 }).toBeUndefined();
  });

  it('answers each caller by a look that began after the call', async () => {
    const before = directory.absence();
    renameSync(marker, `${marker}.away`);
    expect(await directory.absence()).toContain('not mounted');
    await before;
  });
});
