import { link, lstat, rename, unlink } from 'node:fs/promises';
import { driverCode } from '../../kernel/errors.js';
import { directoryOf, joinBytes } from '../../kernel/path-bytes.js';
import type { RemovalOutcome, DueRemoval } from './source-removal.repository.js';

type Target = Pick<DueRemoval, 'ledgerId' | 'sourcePath' | 'sizeBytes' | 'mtimeNs' | 'inode' | 'isBegun'>;

/** A scan passes such names by; the ledger id tells whose it is after a crash. */
export function privateNameOf({ sourcePath, ledgerId }: Pick<Target, 'sourcePath' | 'ledgerId'>): Buffer {
  return joinBytes(directoryOf(sourcePath), Buffer.from(`.dm-${ledgerId}.part`));
}

/**
 * Removes a file only if it is the one that was copied. Between a look at a name and its removal somebody may put
 * another file there, so the file gets a name of our own first, is looked at under that, and gets its name back if it is
 * not the one. A name that was taken meanwhile is not touched: the file then stays under the private one, and is told of.
 * Repeating it after a crash at any point is safe.
 */
export async function removeByIdentity(target: Target): Promise<RemovalOutcome> {
  const aside = privateNameOf(target);
  const present = await statsOf(target.sourcePath);
  if (present === undefined && (await statsOf(aside)) === undefined) {
    return target.isBegun ? { kind: 'removed' } : kept('source-gone', 'Somebody else has removed it already.');
  }
  if (present !== undefined) {
    const difference = differenceOf(present, target);
    if (difference !== undefined) {
      return kept('source-changed', difference);
    }
    await rename(target.sourcePath, aside);
  }
  const moved = await statsOf(aside);
  const difference = moved === undefined ? 'it went away' : differenceOf(moved, target);
  if (difference !== undefined) {
    return giveBack(aside, target.sourcePath, difference);
  }
  await unlink(aside);
  return { kind: 'removed' };
}

/** For an attempt that broke off between the two names and is not to be carried on. */
export async function restoreName(target: Target): Promise<void> {
  const aside = privateNameOf(target);
  if ((await statsOf(aside)) !== undefined) {
    await giveBack(aside, target.sourcePath, '');
  }
}

async function giveBack(aside: Buffer, name: Buffer, difference: string): Promise<RemovalOutcome> {
  try {
    await link(aside, name); // unlike a rename, this never takes the place of a file that is there
    await unlink(aside);
    return kept('source-changed', difference);
  } catch (error) {
    return kept(
      'source-changed',
      `${difference}; it lies under a name that begins with .dm- in the same directory (${driverCode(error) ?? 'unknown'})`,
    );
  }
}

interface Stats {
  isFile: () => boolean;
  size: bigint;
  mtimeNs: bigint;
  ino: bigint;
}

function differenceOf(stats: Stats, target: Target): string | undefined {
  if (!stats.isFile() || stats.ino !== target.inode) {
    return 'Another file has taken its name since it was copied.';
  }
  return stats.size === target.sizeBytes && stats.mtimeNs === target.mtimeNs
    ? undefined
    : 'It was written to after it was copied; its new content is taken first.';
}

async function statsOf(path: Buffer): Promise<Stats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (driverCode(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}

function kept(code: string, reason: string): RemovalOutcome {
  return { kind: 'kept', code, reason };
}
