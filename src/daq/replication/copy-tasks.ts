import { lstat } from 'node:fs/promises';
import { driverCode, messageOf } from '../../kernel/errors.js';
import { joinBytes } from '../../kernel/path-bytes.js';
import type { TransferTask } from '../../storage/index.js';
import { keptPath } from '../pipeline/kept-path.js';
import type { ClaimedOrder, ReadyOrder } from './copy-order.js';

/** A look at the primary copies of a batch: those that can be read, and those that cannot, with the reason. */
export async function lookAtPrimaries(
  orders: readonly ClaimedOrder[],
  experimentDirectory: Buffer,
): Promise<{ ready: ReadyOrder[]; missing: { order: ClaimedOrder; reason: string }[] }> {
  const ready: ReadyOrder[] = [];
  const missing: { order: ClaimedOrder; reason: string }[] = [];
  for (const order of orders) {
    const found = await lookAtPrimary(order, experimentDirectory);
    if (typeof found === 'string') {
      missing.push({ order, reason: found });
    } else {
      ready.push(found);
    }
  }
  return { ready, missing };
}

async function lookAtPrimary(order: ClaimedOrder, experimentDirectory: Buffer): Promise<ReadyOrder | string> {
  if (order.primaryLocation === null) {
    return 'there is no record of a primary copy any more';
  }
  const primary = joinBytes(experimentDirectory, order.primaryLocation);
  try {
    const stats = await lstat(primary, { bigint: true });
    return stats.isFile()
      ? {
          ...order,
          primary,
          identity: { sizeBytes: stats.size, mtimeNs: stats.mtimeNs, inode: stats.ino },
        }
      : 'what stands at its place is no regular file';
  } catch (error) {
    return driverCode(error) === 'ENOENT' ? 'it is gone' : `it cannot be read (${messageOf(error)})`;
  }
}

/** What the engine of a destination is asked. `sourceRoot`: the primary copies lie below it, links resolved. */
export function copyTasks(
  orders: readonly ReadyOrder[],
  place: { sourceRoot: Buffer; experimentDirectory: Buffer; fileMode: number; directoryMode: number },
): TransferTask[] {
  return orders.map((order) => ({
    id: order.ledgerId,
    sourcePath: order.primary,
    sourceRoots: [place.sourceRoot],
    expected: order.identity,
    ...(order.md5Sum === null ? {} : { expectedMd5Sum: order.md5Sum }),
    experimentDirectory: place.experimentDirectory,
    destinationPath: order.destinationPath,
    replaces: order.previous === null ? null : { keepAs: keptPath(order, order.previous.version) },
    mode: 'copy',
    proof: 'read-back',
    fileMode: place.fileMode,
    directoryMode: place.directoryMode,
  }));
}
