import { link, lstat, rename, unlink } from 'node:fs/promises';
import { driverCode } from '../../../kernel/errors.js';
import { directoryOf, joinBytes } from '../../../kernel/path-bytes.js';
import { type AreaRights, requireInside, syncDirectory } from '../../../storage/index.js';

/**
 * Moves a file of an experiment to another place of it, whose directories are made; the move is on the disk when it is
 * answered with the new path.
 *
 * @throws StationError LEADS_OUTSIDE
 */
export async function moveFile(
  experiment: Buffer,
  places: { from: Buffer; to: Buffer },
  rights: AreaRights,
): Promise<Buffer> {
  const from = joinBytes(experiment, places.from);
  const to = joinBytes(experiment, places.to);
  await requireInside(experiment, directoryOf(from));
  await rights.makeDirectories(experiment, directoryOf(to));
  await rename(from, to);
  await syncDirectory(directoryOf(to));
  await syncDirectory(directoryOf(from));
  return to;
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
