import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AdministratorPasswordFile } from './administrator-password-file.js';

describe(AdministratorPasswordFile.name, () => {
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'dm-admin-password-'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  it('holds the password alone, for the owner alone, whatever the umask', async () => {
    const umask = process.umask(0);
    const file = new AdministratorPasswordFile(dataDir);
    try {
      await file.write('older');
      await file.write('abcde-fghjk');
    } finally {
      process.umask(umask);
    }

    expect(await readFile(join(dataDir, 'admin-password'), 'utf8')).toBe('abcde-fghjk\n');
    expect((await stat(file.path)).mode & 0o777).toBe(0o600);
    expect(await readdir(dataDir)).toEqual(['admin-password']);
  });

  it('is gone after removal, and removing it again is harmless', async () => {
    const file = new AdministratorPasswordFile(dataDir);
    await file.write('abcde-fghjk');

    await file.remove();
    await file.remove();

    expect(await readdir(dataDir)).toEqual([]);
  });
});
