import { createHash, randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { QUEUE, type WorkQueue } from '../../platform/queue/index.js';
import { LedgerClaims } from '../ledger/ledger-claims.js';
import { type ClaimedRow, FRESH, type Priority } from '../ledger/ledger-row.js';
import { BatchProcessor } from './batch-processor.js';
import { StrayClaims } from './stray-claims.js';
import { WorkLanes } from './work-lanes.js';
import { type BatchItem, batchesByPriority, boundsOf } from './work-batches.js';

/** Payload of a job of the `transfer` queue: ids only, the ledger has the rest. */
export interface TransferJob {
  v: 1;
  priority: Priority;
  ledgerIds: string[];
}

export interface OfferedRow extends BatchItem {
  priority: Priority;
}

/**
 * Rows that are held in memory, claimed from their first moment, and not worked on yet: some thousand at a kilobyte
 * each. What does not fit goes by the queue and is claimed in its turn.
 */
const MOST_AHEAD = 20_000;
/** Of these what backlog may fill: fresh rows that find no room would wait for all of it. */
const MOST_BACKLOG_AHEAD = 15_000;

/**
 * Hands rows to the workers as batches: new ones straight to this process, if it has room, the others as hints to the
 * queue. A queue that does not answer is no fault: the feeder finds the rows.
 */
@Injectable()
export class BatchOffers {
  private readonly logger = new Logger(BatchOffers.name);
  /** In each job's id, so that a job of an earlier run, which a dead worker holds, does not swallow a new one. */
  private readonly run = randomUUID();
  private ahead = 0;

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    @Inject(QUEUE) private readonly queue: WorkQueue,
    private readonly claims: LedgerClaims,
    private readonly lanes: WorkLanes,
    private readonly processor: BatchProcessor,
    private readonly strays: StrayClaims,
  ) {}

  /** Whose claim rows are that come by {@link carry}. */
  get claimant(): string {
    return this.claims.claimant;
  }

  /** Keeps room for rows that are about to be written as claimed; `letGo` or `carry` gives it back. */
  reserve(rows: number, priority: Priority): boolean {
    if (this.ahead + rows > (priority === FRESH ? MOST_AHEAD : MOST_BACKLOG_AHEAD)) {
      return false;
    }
    this.ahead += rows;
    return true;
  }

  letGo(rows: number): void {
    this.ahead -= rows;
  }

  /** Works on rows that this process has claimed, in reserved room. Returns at once. */
  carry(rows: readonly ClaimedRow[]): void {
    this.strays.hold(rows.map((row) => row.id));
    for (const { priority, batch } of batchesByPriority(rows, boundsOf(this.config))) {
      void this.carryOne(priority, batch).finally(() => {
        this.letGo(batch.length);
        this.strays.letGo(batch.map((row) => row.id));
      });
    }
  }

  /** Answers whether the queue took them. */
  async offer(items: readonly OfferedRow[]): Promise<boolean> {
    const batches = batchesByPriority(items, boundsOf(this.config));
    try {
      await this.queue.add(
        'transfer',
        batches.map(({ priority, batch }) => jobOf(this.run, priority, batch)),
      );
      return true;
    } catch (error) {
      this.logger.debug(`${batches.length} batches go on without the queue: ${messageOf(error)}`);
      return false;
    }
  }

  private async carryOne(priority: Priority, batch: readonly ClaimedRow[]): Promise<void> {
    if (!(await this.lanes.run(priority, 'carried', () => this.processor.carry(batch)))) {
      // The station stops. Were this to fail, the next start would free the rows all the same.
      await this.claims.giveBack(batch.map((row) => row.id)).catch(() => undefined);
    }
  }
}

/** The id follows from the content: the same batch offered twice while it waits is one job. */
function jobOf(
  run: string,
  priority: Priority,
  batch: readonly OfferedRow[],
): { id: string; data: Record<string, unknown>; priority: number } {
  const ledgerIds = batch.map((item) => item.id);
  const digest = createHash('sha256')
    .update(`${run}:${ledgerIds.join(',')}`)
    .digest('hex')
    .slice(0, 32);
  const data: TransferJob = { v: 1, priority, ledgerIds };
  return { id: `batch-${digest}`, data: { ...data }, priority };
}
