import { opendir, realpath, stat } from 'node:fs/promises';
import { driverCode } from '../../kernel/errors.js';

export type Presence = { isThere: true; device: string } | { isThere: false; reason: string };

/**
 * Whether the data directory is really there. When it is on another file system than it was and is empty, a mount has
 * gone and what is seen is the bare mount point: that is a lost source, never a source whose files were deleted. So it
 * is after a restart, too, since the file system is remembered with the acquisition.
 */
export async function lookForSource(
  directory: Buffer,
  knownDevice: string | null,
  isAllowed: (realPath: Buffer) => Promise<boolean>,
): Promise<Presence> {
  try {
    const stats = await stat(directory, { bigint: true });
    if (!stats.isDirectory()) {
      return { isThere: false, reason: 'it is not a directory' };
    }
    // Looked at each time: a directory that appears, or is replaced, may be a link to anywhere.
    if (!(await isAllowed(await realpath(directory, 'buffer')))) {
      return { isThere: false, reason: 'it leads out of the configured source roots, or into the storage area' };
    }
    const device = stats.dev.toString();
    if (knownDevice !== null && device !== knownDevice && (await isEmptyDirectory(directory))) {
      return { isThere: false, reason: 'its file system is not mounted' };
    }
    return { isThere: true, device };
  } catch (error) {
    const code = driverCode(error) ?? 'unknown';
    return { isThere: false, reason: code === 'ENOENT' ? 'it does not exist' : `it cannot be read (${code})` };
  }
}

/** Reads one entry at most: a directory may hold a million. */
export async function isEmptyDirectory(directory: Buffer): Promise<boolean> {
  const handle = await opendir(directory, { encoding: 'latin1' });
  try {
    return (await handle.read()) === null;
  } finally {
    await handle.close();
  }
}
