import { chmod, chown, lstat, mkdir, open, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { driverCode } from '../kernel/errors.js';

/** Makes one directory and its entry durable; false when something of that name is there already. */
export async function makeDirectory(path: string, mode: number, gid?: number): Promise<boolean> {
  try {
    await mkdir(path, 0o700);
  } catch (error) {
    if (driverCode(error) === 'EEXIST') {
      return false;
    }
    throw error;
  }
  await setOwnership(path, mode, gid);
  await syncDirectory(dirname(path));
  return true;
}

/** In this order: a change of group clears the set-group-id bit, and mkdir's own mode is cut by the umask. */
export async function setOwnership(path: string, mode: number, gid?: number): Promise<void> {
  if (gid !== undefined) {
    const { uid } = await lstat(path);
    await chown(path, uid, gid);
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
