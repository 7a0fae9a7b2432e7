import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectionFolder } from './connection-folder.js';

describe('connectionFolder', () => {
  let base: string;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'dm-folders-'));
  });
  afterEach(() => rmSync(base, { recursive: true }));

  it('removes what a process that is gone has left, and nothing else', async () => {
    const gone = spawnSync('true').pid;
    const names = [`dm-ssh-${gone}-abcdef`, `dm-ssh-${process.pid}-abcdef`, `dm-ssh-1-abcdef`, 'dm-ssh-abcdef', 'data'];
    names.forEach((name) => mkdirSync(join(base, name)));
    writeFileSync(join(base, names[0] ?? '', 'config'), 'x');

    const folder = await connectionFolder(base);

    expect(existsSync(folder)).toBe(true);
    expect(names.filter((name) => existsSync(join(base, name)))).toEqual(names.slice(1));
  });

  it('is another one each time', async () => {
    expect(await connectionFolder(base)).not.toBe(await connectionFolder(base));
  });
});
