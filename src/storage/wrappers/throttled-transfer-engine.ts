import { setTimeout as pause } from 'node:timers/promises';
import type { Remains, TransferEngine, TransferOutcome, TransferTask } from '../transfer-engine.port.js';

/** Batches are cut into portions of about so many seconds of the allowed rate, so that the disks are not hit in bursts. */
const PORTION_SECONDS = 1;

/**
 * Holds an engine to so many bytes per second on average, for engines whose channel cannot limit itself. What was copied
 * is paid for afterwards: the next portion waits until the time has passed that the bytes before should have taken. A
 * single large file goes at full speed and the pause follows it.
 */
export class ThrottledTransferEngine implements TransferEngine {
  private freeAtMs = 0;
  private readonly stopping = new AbortController();

  constructor(
    private readonly inner: TransferEngine,
    private readonly bytesPerSecond: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get capabilities(): TransferEngine['capabilities'] {
    return this.inner.capabilities;
  }

  async transfer(tasks: readonly TransferTask[]): Promise<TransferOutcome[]> {
    const outcomes: TransferOutcome[] = [];
    for (const { portion, bytes } of portionsOf(tasks, this.bytesPerSecond * PORTION_SECONDS)) {
      await this.payFor(bytes);
      outcomes.push(...(await this.inner.transfer(portion)));
    }
    return outcomes;
  }

  discard(remains: readonly Remains[]): Promise<void> {
    return this.inner.discard(remains);
  }

  close(): Promise<void> {
    this.stopping.abort();
    return this.inner.close();
  }

  /** Takes its place in the queue at once, so that batches at the same time share the rate. */
  private async payFor(bytes: number): Promise<void> {
    const startMs = Math.max(this.freeAtMs, this.now());
    this.freeAtMs = startMs + (bytes / this.bytesPerSecond) * 1000;
    const waitMs = startMs - this.now();
    if (waitMs > 0 && !this.stopping.signal.aborted) {
      await pause(waitMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }
}

function portionsOf(tasks: readonly TransferTask[], limit: number): { portion: TransferTask[]; bytes: number }[] {
  const portions: { portion: TransferTask[]; bytes: number }[] = [];
  for (const task of tasks) {
    const bytes = Number(task.expected.sizeBytes);
    const last = portions.at(-1);
    if (last === undefined || last.bytes + bytes > limit) {
      portions.push({ portion: [task], bytes });
    } else {
      last.portion.push(task);
      last.bytes += bytes;
    }
  }
  return portions;
}
