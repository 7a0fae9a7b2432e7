import { rmdir } from 'node:fs/promises';
import { driverCode } from '../kernel/errors.js';

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
