import { createHash } from 'node:crypto';
import { type BigIntStats, linkSync, lstatSync, realpathSync, renameSync, unlinkSync } from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import { directoryOf, joinBytes, nameOf } from '../../kernel/path-bytes.js';
import type { Removal, SourceIdentity } from './source-tree.port.js';

/**
 * Removes a file only if it is the one that was copied. Between a look at a name and its removal somebody may put
 * another file there, so the file gets a name of our own first, is looked at under that, and gets its name back if it is
 * not the one. A name that was taken meanwhile is not touched: the file then stays under the private one, and is told of.
 * Repeating it after a crash at any point is safe.
 */
export function removeFile(root: Buffer, relativePath: Uint8Array, identity: SourceIdentity): Removal {
  const path = joinBytes(root, relativePath);
  const aside = asideOf(path, identity);
  try {
    if (!isReachedWithoutLinks(root, relativePath)) {
      return { status: 'changed', detail: 'its directory is reached through a link now' };
    }
    const leftAside = statsOf(aside); // by an attempt that broke off between the two names
    if (leftAside !== undefined) {
      return removeAside(aside, path, differenceOf(leftAside, identity));
    }
    const present = statsOf(path);
    if (present === undefined) {
      return { status: 'gone' };
    }
    const difference = differenceOf(present, identity);
    if (difference !== undefined) {
      return { status: 'changed', detail: difference };
    }
    renameSync(path, aside);
    const moved = statsOf(aside);
    return removeAside(aside, path, moved === undefined ? 'it went away' : differenceOf(moved, identity));
  } catch (error) {
    const code = driverCode(error) ?? 'UNKNOWN';
    return code === 'ENOENT' || code === 'ENOTDIR' ? { status: 'gone' } : { status: 'failed', code };
  }
}

/** For an attempt that broke off between the two names and is not to be carried on. */
export function restoreFile(root: Buffer, relativePath: Uint8Array, identity: SourceIdentity): void {
  const path = joinBytes(root, relativePath);
  const aside = asideOf(path, identity);
  if (statsOf(aside) !== undefined) {
    giveBack(aside, path, '');
  }
}

/** A scan passes such names by. It follows from the file, and from its name, since one file may have several. */
export function asideOf(path: Buffer, { inode }: SourceIdentity): Buffer {
  const name = createHash('sha256').update(nameOf(path)).digest('hex').slice(0, 12);
  return joinBytes(directoryOf(path), Buffer.from(`.dm-${inode}-${name}.part`));
}

function removeAside(aside: Buffer, path: Buffer, difference: string | undefined): Removal {
  if (difference !== undefined) {
    return giveBack(aside, path, difference);
  }
  unlinkSync(aside);
  return { status: 'removed' };
}

function giveBack(aside: Buffer, path: Buffer, difference: string): Removal {
  try {
    linkSync(aside, path); // unlike a rename, this never takes the place of a file that is there
    unlinkSync(aside);
    return { status: 'changed', detail: difference };
  } catch (error) {
    const code = driverCode(error) ?? 'unknown';
    return {
      status: 'changed',
      detail: `${difference}; it lies under a name that begins with .dm- in the same directory (${code})`,
    };
  }
}

/** Links below the directory are not followed by scans; a directory that became one leads to files of somebody else. */
function isReachedWithoutLinks(root: Buffer, relativePath: Uint8Array): boolean {
  const real = realpathSync.native(root, 'buffer');
  const directory = realpathSync.native(directoryOf(joinBytes(root, relativePath)), 'buffer');
  return directory.equals(directoryOf(joinBytes(real, relativePath)));
}

function differenceOf(stats: BigIntStats, identity: SourceIdentity): string | undefined {
  const now: SourceIdentity = { sizeBytes: stats.size, mtimeNs: stats.mtimeNs, inode: stats.ino };
  const facts = (['sizeBytes', 'mtimeNs', 'inode'] as const).filter((fact) => now[fact] !== identity[fact]);
  const changes = facts.map((fact) => `${fact} ${identity[fact]} → ${now[fact]}`).join(', ');
  if (!stats.isFile()) {
    return 'what has its name now is no regular file';
  }
  if (facts.includes('inode')) {
    return `another file has taken its name since it was copied (${changes})`;
  }
  return facts.length === 0 ? undefined : `it was written to after it was copied (${changes})`;
}

function statsOf(path: Buffer): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}
