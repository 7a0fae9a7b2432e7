import { setTimeout as pause } from 'node:timers/promises';
import { StationError } from '../../kernel/errors.js';
import type { Remains, TransferEngine, TransferOutcome, TransferTask } from '../transfer-engine.port.js';

export interface RetrySettings {
  /** Calls at most, the first included. */
  attempts: number;
  /** Pause after the first failure; doubles. */
  firstPauseMs: number;
}

/**
 * Calls an engine again when the call as a whole has failed in a way that may pass, such as a connection that broke off;
 * repeating tasks is safe. A fault of a file is not its affair: those come back as outcomes and wait in the ledger.
 */
export class RetryingTransferEngine implements TransferEngine {
  private readonly stopping = new AbortController();

  constructor(
    private readonly inner: TransferEngine,
    private readonly settings: RetrySettings,
  ) {}

  get capabilities(): TransferEngine['capabilities'] {
    return this.inner.capabilities;
  }

  async transfer(tasks: readonly TransferTask[]): Promise<TransferOutcome[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.inner.transfer(tasks);
      } catch (error) {
        const mayPass = error instanceof StationError && error.retryable;
        if (!mayPass || attempt >= this.settings.attempts || this.stopping.signal.aborted) {
          throw error;
        }
        const waitMs = this.settings.firstPauseMs * 2 ** (attempt - 1);
        await pause(waitMs, undefined, { signal: this.stopping.signal }).catch(() => {
          throw error;
        });
      }
    }
  }

  discard(remains: readonly Remains[]): Promise<void> {
    return this.inner.discard(remains);
  }

  close(): Promise<void> {
    this.stopping.abort();
    return this.inner.close();
  }
}
