import { link, lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { driverCode } from '../../../kernel/errors.js';
import { directoryOf } from '../../../kernel/path-bytes.js';

/** Moves what stands at `from` to `to`, whose directories are made; the move is on the disk when it is answered. */
export async function moveFile(from: Buffer, to: Buffer, directoryMode: number): Promise<void> {
  await mkdir(directoryOf(to), { recursive: true, mode: directoryMode });
  await rename(from, to);
  await syncDirectory(directoryOf(to));
  await syncDirectory(directoryOf(from));
}

/** Moves it back, unless something else has taken the name meanwhile; whether it did. */
export async function moveBack(from: Buffer, to: Buffer): Promise<boolean> {
  try {
    await link(from, to); // fails when the name is taken, where a rename would replace it
    await unlink(from);
  } catch (error) {
    const code = driverCode(error);
    if (code === 'EEXIST') {
      return false;
    }
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK') {
      throw error;
    }
    // A directory, or a file system without hard links.
    if (await isThere(to)) {
      return false;
    }
    await rename(from, to);
  }
  await syncDirectory(directoryOf(to));
  return true;
}

async function isThere(path: Buffer): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function syncDirectory(directory: Buffer): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
