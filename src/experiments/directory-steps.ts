import { execFile } from 'node:child_process';
import { chmod, chown, lstat, mkdir, open, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { driverCode } from '../kernel/errors.js';

const run = promisify(execFile);

/** What a directory gets beside its mode; numbers that are -1 and a list that is null stay as they are. */
export interface DirectoryRights {
  uid: number;
  gid: number;
  /** Entries as `setfacl -m` takes them. */
  acl: string | null;
}

/** Makes one directory and its entry durable; false when something of that name is there already. */
export async function makeDirectory(path: string, mode: number, rights?: DirectoryRights): Promise<boolean> {
  try {
    await mkdir(path, 0o700);
  } catch (error) {
    if (driverCode(error) === 'EEXIST') {
      return false;
    }
    throw error;
  }
  await setRights(path, mode, rights);
  await syncDirectory(dirname(path));
  return true;
}

/** In this order: a change of group clears the set-group-id bit, and mkdir's own mode is cut by the umask. */
export async function setRights(path: string, mode: number, rights?: DirectoryRights): Promise<void> {
  const { uid = -1, gid = -1, acl = null } = rights ?? {};
  if (uid !== -1 || gid !== -1) {
    const present = await lstat(path);
    await chown(path, uid === -1 ? present.uid : uid, gid === -1 ? present.gid : gid);
  }
  if (acl !== null) {
    await run('setfacl', ['-m', acl, '--', path], { timeout: 10_000 });
  }
  await chmod(path, mode);
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Removes a directory unless it holds something or has gone: no caller of this can lose a file. */
export async function removeIfEmpty(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(driverCode(error) ?? '')) {
      throw error;
    }
  }
}
