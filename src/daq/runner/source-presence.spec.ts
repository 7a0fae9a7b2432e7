import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookForSource } from './source-presence.js';

const ANYWHERE = () => Promise.resolve(true);
/** A file system that the directory was on before a mount went away. */
const GONE = '123456789';

describe('lookForSource', () => {
  let folder: string;
  let directory: Buffer;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dm-presence-'));
    mkdirSync(join(folder, 'source'));
    directory = Buffer.from(join(folder, 'source'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('finds a directory, and says on which file system it is', async () => {
    expect(await lookForSource(directory, null, ANYWHERE)).toMatchObject({
      isThere: true,
      device: expect.stringMatching(/^\d+$/) as string,
    });
  });

  it('takes an empty directory on another file system for a mount that has gone', async () => {
    expect(await lookForSource(directory, GONE, ANYWHERE)).toMatchObject({
      isThere: false,
      reason: expect.stringContaining('not mounted') as string,
    });
  });

  it('takes a directory with files for the source, also on a file system with another number', async () => {
    writeFileSync(join(folder, 'source/a'), 'x');
    expect(await lookForSource(directory, GONE, ANYWHERE)).toMatchObject({ isThere: true });
  });

  it('takes a directory that was emptied where it is for what it is', async () => {
    const now = await lookForSource(directory, null, ANYWHERE);
    expect(await lookForSource(directory, now.isThere ? now.device : '', ANYWHERE)).toMatchObject({ isThere: true });
  });

  it('asks whether the place that a link leads to may be read', async () => {
    symlinkSync('/etc', join(folder, 'link'));
    const asked: string[] = [];
    const look = await lookForSource(Buffer.from(join(folder, 'link')), null, async (real) => {
      asked.push(real.toString());
      return false;
    });
    expect(look).toMatchObject({ isThere: false, reason: expect.stringContaining('source roots') as string });
    expect(asked).toEqual(['/etc']);
  });

  it('says what is wrong with a directory that is not there', async () => {
    const missing = Buffer.from(join(folder, 'missing'));
    expect(await lookForSource(missing, null, ANYWHERE)).toMatchObject({ isThere: false, reason: 'it does not exist' });
    writeFileSync(join(folder, 'file'), '');
    const file = Buffer.from(join(folder, 'file'));
    expect(await lookForSource(file, null, ANYWHERE)).toMatchObject({
      isThere: false,
      reason: 'it is not a directory',
    });
  });
});
