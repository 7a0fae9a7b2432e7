import { createHash, randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { QUEUE, type WorkQueue } from '../../platform/queue/index.js';
import { type BatchItem, batchesOf } from './work-batches.js';

/** Payload of a job of the `transfer` queue: ids only, the ledger has the rest. */
export interface TransferJob {
  v: 1;
  ledgerIds: string[];
}

/** Hands queued rows to the workers as batches. A queue that does not answer is no fault: the feeder finds the rows. */
@Injectable()
export class BatchOffers {
  private readonly logger = new Logger(BatchOffers.name);
  /** In each job's id, so that a job of an earlier run, which a dead worker holds, does not swallow a new one. */
  private readonly run = randomUUID();

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    @Inject(QUEUE) private readonly queue: WorkQueue,
  ) {}

  /** Answers whether the queue took them. */
  async offer(items: readonly BatchItem[]): Promise<boolean> {
    const batches = batchesOf(items, this.config.daq.batchFiles, this.config.daq.batchBytes);
    try {
      await this.queue.add(
        'transfer',
        batches.map((batch) =>
          jobOf(
            this.run,
            batch.map((item) => item.id),
          ),
        ),
      );
      return true;
    } catch (error) {
      this.logger.debug(`${batches.length} batches go on without the queue: ${messageOf(error)}`);
      return false;
    }
  }
}

/** The id follows from the content: the same batch offered twice while it waits is one job. */
function jobOf(run: string, ledgerIds: string[]): { id: string; data: Record<string, unknown> } {
  const digest = createHash('sha256')
    .update(`${run}:${ledgerIds.join(',')}`)
    .digest('hex')
    .slice(0, 32);
  const data: TransferJob = { v: 1, ledgerIds };
  return { id: `batch-${digest}`, data: { ...data } };
}
