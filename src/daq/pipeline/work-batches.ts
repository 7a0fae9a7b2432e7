export interface BatchItem {
  id: string;
  sizeBytes: bigint;
}

/** Cuts work into batches bounded in number and bytes; a file larger than the bound makes a batch of its own. */
export function batchesOf<Item extends BatchItem>(
  items: readonly Item[],
  maxFiles: number,
  maxBytes: number,
): Item[][] {
  const batches: Item[][] = [];
  let batch: Item[] = [];
  let bytes = 0n;
  for (const item of items) {
    if (batch.length > 0 && (batch.length >= maxFiles || bytes + item.sizeBytes > BigInt(maxBytes))) {
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
