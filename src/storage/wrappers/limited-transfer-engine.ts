import { StationError } from '../../kernel/errors.js';
import type { Remains, TransferEngine, TransferOutcome, TransferTask } from '../transfer-engine.port.js';

/** Lets so many batches through to an engine at a time; the others wait their turn, first come, first served. */
export class LimitedTransferEngine implements TransferEngine {
  private running = 0;
  private readonly waiting: { start: () => void; refuse: (error: Error) => void }[] = [];
  private isClosed = false;

  constructor(
    private readonly inner: TransferEngine,
    private readonly concurrency: number,
  ) {}

  get capabilities(): TransferEngine['capabilities'] {
    return this.inner.capabilities;
  }

  async transfer(tasks: readonly TransferTask[]): Promise<TransferOutcome[]> {
    await this.turn();
    try {
      return await this.inner.transfer(tasks);
    } finally {
      this.running -= 1;
      this.waiting.shift()?.start();
    }
  }

  discard(remains: readonly Remains[]): Promise<void> {
    return this.inner.discard(remains);
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.waiting.splice(0).forEach(({ refuse }) => refuse(stopped()));
    return this.inner.close();
  }

  private turn(): Promise<void> {
    if (this.isClosed) {
      return Promise.reject(stopped());
    }
    if (this.running < this.concurrency) {
      this.running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({
        start: () => {
          this.running += 1;
          resolve();
        },
        refuse: reject,
      });
    });
  }
}

function stopped(): StationError {
  return new StationError(
    'unavailable',
    'TRANSFER_STOPPED',
    'The station is stopping; the files go on at the next start.',
  );
}
