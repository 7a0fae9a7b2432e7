import type { Remains, TransferEngine, TransferOutcome, TransferTask } from '../transfer-engine.port.js';
import type { TransferMetrics } from '../transfer.metrics.js';

/** Counts what an engine does. */
export class MeteredTransferEngine implements TransferEngine {
  constructor(
    private readonly inner: TransferEngine,
    /** What its figures are filed under: `local`, `rsync-pull`. */
    private readonly name: string,
    private readonly metrics: TransferMetrics,
  ) {}

  get capabilities(): TransferEngine['capabilities'] {
    return this.inner.capabilities;
  }

  async transfer(tasks: readonly TransferTask[]): Promise<TransferOutcome[]> {
    const end = this.metrics.start(this.name);
    try {
      const outcomes = await this.inner.transfer(tasks);
      this.metrics.count(this.name, outcomes);
      end('answered');
      return outcomes;
    } catch (error) {
      end('broke-off');
      throw error;
    }
  }

  discard(remains: readonly Remains[]): Promise<void> {
    return this.inner.discard(remains);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
