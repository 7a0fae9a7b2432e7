import type { StationConfig } from '../../platform/config/index.js';
import { BACKLOG, FRESH, type Priority } from '../ledger/ledger-row.js';

export interface BatchItem {
  id: string;
  sizeBytes: bigint;
}

export interface BatchBounds {
  files: number;
  bytes: number;
  /** How many batches are copied at a time. */
  workers: number;
}

export function boundsOf({ daq, storage }: Pick<StationConfig, 'daq' | 'storage'>): BatchBounds {
  return { files: daq.batchFiles, bytes: daq.batchBytes, workers: storage.workers };
}

/**
 * Cuts work into batches bounded in number and bytes. A file larger than the bound makes a batch of its own; where there are
 * more of them than workers, two make one: their digests side by side cost little more than one of them.
 */
export function batchesOf<Item extends BatchItem>(items: readonly Item[], bounds: BatchBounds): Item[][] {
  const maxBytes = BigInt(bounds.bytes);
  const isLarge = (bytes: bigint) => bytes > maxBytes;
  const inPairs = items.filter((item) => isLarge(item.sizeBytes)).length > bounds.workers;
  const fits = (batch: readonly Item[], bytes: bigint, item: Item) =>
    batch.length < bounds.files &&
    (bytes + item.sizeBytes <= maxBytes ||
      (inPairs && batch.length === 1 && isLarge(bytes) && isLarge(item.sizeBytes)));
  const batches: Item[][] = [];
  let batch: Item[] = [];
  let bytes = 0n;
  for (const item of items) {
    if (batch.length > 0 && !fits(batch, bytes, item)) {
      batches.push(batch);
      batch = [];
      bytes = 0n;
    }
    batch.push(item);
    bytes += item.sizeBytes;
  }
  if (batch.length > 0) {
    batches.push(batch);
  }
  return batches;
}

/** The same for work of both priorities, fresh first; no batch mixes them. */
export function batchesByPriority<Item extends BatchItem & { priority: Priority }>(
  items: readonly Item[],
  bounds: BatchBounds,
): { priority: Priority; batch: Item[] }[] {
  return ([FRESH, BACKLOG] as const).flatMap((priority) =>
    batchesOf(
      items.filter((item) => item.priority === priority),
      bounds,
    ).map((batch) => ({ priority, batch })),
  );
}
