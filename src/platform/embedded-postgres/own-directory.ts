import { randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { driverCode, StationError } from '../../kernel/errors.js';
import type { OsAccount } from './processes.js';

/**
 * Makes sure that `path` is a directory which belongs to us, or to `owner`, and to nobody else who could swap what is
 * in it. A directory that was there before keeps its mode: it may not be ours to change.
 */
export async function ensureOwnDirectory(path: string, mode: number, owner?: OsAccount): Promise<void> {
  const created = await mkdir(path, { mode }).then(
    () => true,
    (error: unknown) => {
      if (driverCode(error) === 'EEXIST') {
        return false;
      }
      throw error;
    },
  );
  if (created) {
    // Explicitly, since the mask of whoever starts us (077 for many) has been subtracted.
    await chmod(path, mode);
    if (owner !== undefined) {
      await chown(path, owner.uid, owner.gid);
    }
    return;
  }
  const found = await lstat(path);
  const trusted = new Set([process.getuid?.() ?? 0, owner?.uid ?? -1, 0]);
  if (found.isDirectory() && !trusted.has(found.uid)) {
    throw untrusted(
      `${path} belongs to the account with number ${found.uid}. Start the station as that account, or name another data directory in DM_DATA_DIR.`,
    );
  }
  if (!found.isDirectory() || (found.mode & 0o022 & ~mode) !== 0) {
    throw untrusted(
      `${path} should be a directory that only its owner can write to. Look who made it, then move it away.`,
    );
  }
}

function untrusted(message: string): StationError {
  return new StationError('conflict', 'POSTGRES_DIRECTORY_UNTRUSTED', message);
}

/** Writes a small file so that after any crash there is the old text or the new text, never a part. */
export async function writeFileDurably(path: string, text: string, mode = 0o600, owner?: OsAccount): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(text);
    if (owner !== undefined) {
      await file.chown(owner.uid, owner.gid);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
