import { accessSync, constants, opendirSync, realpathSync, statSync } from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import { isBelowOrSame } from '../../kernel/path-bytes.js';
import { mountOf } from './mount-info.js';
import { compareDevice } from './source-device.js';
import type { AbsenceCode, Presence } from './source-tree.port.js';

/** Where acquisitions may read, as configured: links are resolved at each look, since they may be pointed elsewhere. */
export interface AllowedPlaces {
  roots: readonly string[];
  storage: string;
  /** Results of a job: processing names the job's own directory, no person chose it. */
  isJobResult: boolean;
}

/**
 * Whether the data directory is really there. When it is on another file system than it was, and is empty or lies where
 * the mount point was made, a mount has gone and what is seen is the bare mount point: that is a lost source, never a
 * source whose files were deleted, whatever somebody wrote there meanwhile. So it is after a restart, too, since the file
 * system and its mount point are remembered with the acquisition.
 */
export function lookForSource(
  directory: Buffer,
  knownDevice: string | null,
  places: AllowedPlaces,
  mountInfo: string,
): Presence {
  try {
    const stats = statSync(directory, { bigint: true });
    if (!stats.isDirectory()) {
      return absent('not-a-directory', 'it is not a directory');
    }
    const real = realpathSync.native(directory, 'buffer');
    // Looked at each time: a directory that appears, or is replaced, may be a link to anywhere.
    const refusal = refusalOf(real, places);
    if (refusal !== undefined) {
      return refusal;
    }
    accessSync(real, constants.R_OK | constants.X_OK);
    const isEmpty = isEmptyDirectory(real);
    const { point, fileSystem } = mountOf(real, mountInfo);
    const { device, isOther, hasLostMount } = compareDevice(knownDevice, stats.dev.toString(), point);
    if (hasLostMount || (isOther && isEmpty)) {
      return absent('not-mounted', 'its file system is not mounted');
    }
    return { isThere: true, device, directory: real, isEmpty, fileSystem };
  } catch (error) {
    const code = driverCode(error) ?? 'unknown';
    return code === 'ENOENT'
      ? missing(directory, places)
      : absent(code === 'ENOTDIR' ? 'not-a-directory' : 'unreadable', `it cannot be read (${code})`);
  }
}

/** For a path that does not exist yet, the nearest directory above it that does says whether it may be read. */
function missing(directory: Buffer, places: AllowedPlaces): Presence {
  for (let at = directory; at.length > 1; at = at.subarray(0, Math.max(1, at.lastIndexOf(0x2f)))) {
    try {
      const real = realpathSync.native(at, 'buffer');
      return (
        refusalOf(Buffer.concat([real, directory.subarray(at.length)]), places) ??
        absent('missing', 'it does not exist')
      );
    } catch (error) {
      if (driverCode(error) !== 'ENOENT') {
        break;
      }
    }
  }
  return absent('outside-roots', OUTSIDE);
}

const OUTSIDE = 'it leads out of the configured source roots';

function refusalOf(real: Buffer, places: AllowedPlaces): Presence | undefined {
  const storage = resolveIfThere(places.storage);
  if (storage !== undefined && (isBelowOrSame(real, storage) || isBelowOrSame(storage, real))) {
    return absent('in-storage', 'it overlaps with the storage area');
  }
  return places.isJobResult || isBelowRoots(real, places.roots) ? undefined : absent('outside-roots', OUTSIDE);
}

/**
 * A path without links that lies below a root as it is written lies below it as it is: no other root need be asked,
 * whose file system may hang.
 */
function isBelowRoots(real: Buffer, roots: readonly string[]): boolean {
  return (
    roots.some((root) => isBelowOrSame(real, Buffer.from(root))) ||
    roots.some((root) => {
      const resolved = resolveIfThere(root);
      return resolved !== undefined && isBelowOrSame(real, resolved);
    })
  );
}

function resolveIfThere(path: string): Buffer | undefined {
  try {
    return realpathSync.native(path, 'buffer');
  } catch {
    return undefined;
  }
}

/** Reads one entry at most: a directory may hold a million. */
function isEmptyDirectory(directory: Buffer): boolean {
  const handle = opendirSync(directory, { encoding: 'latin1', bufferSize: 1 });
  try {
    return handle.readSync() === null;
  } finally {
    handle.closeSync();
  }
}

function absent(code: AbsenceCode, reason: string): Presence {
  return { isThere: false, code, reason };
}
