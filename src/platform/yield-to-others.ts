import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';

/** Of 19, as `nice` counts. */
const NICENESS = 5;

/**
 * Lets the calling thread wait where others want the same core: the thread that answers people, and the database, which
 * have little to do for each file, go before the copying, which has much. Measured (`npm run bench -- ingest`).
 */
export function yieldToOthers(): void {
  try {
    // Linux gives each thread a priority of its own; `/proc/thread-self` is `<process>/task/<thread>`.
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), NICENESS);
  } catch {
    // Not Linux, or not allowed: then all threads are equal.
  }
}
