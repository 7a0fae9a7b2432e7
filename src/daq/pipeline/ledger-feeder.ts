import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { z } from 'zod';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { WakeableLoop } from '../../platform/events/index.js';
import { QUEUE, type WorkQueue } from '../../platform/queue/index.js';
import { type DueRow, LedgerClaims } from '../ledger/ledger-claims.js';
import { BACKLOG, FRESH } from '../ledger/ledger-row.js';
import { BatchOffers } from './batch-offers.js';
import { BatchProcessor } from './batch-processor.js';
import { InterruptedWork } from './interrupted-work.js';
import { OutcomeJournal } from './outcome-journal.js';
import { StrayClaims } from './stray-claims.js';
import { batchesByPriority, boundsOf } from './work-batches.js';
import { WorkLanes } from './work-lanes.js';

const LOOK_INTERVAL_MS = 1000;
/** Rows looked at in one turn: some batches for each worker. */
const LOOK_AHEAD = 5000;
/** While more jobs than this wait, retries do, too: offered at each look they would only pile up behind. */
const MOST_WAITING = 10;
/** Looks in a row at which due work must be seen while the queue is idle before its jobs are taken for lost. */
const PATIENCE_LOOKS = 3;
/** Of those that the feeder hands out at a time while there is no queue. */
const BATCHES_PER_LANE = 2;

const transferJob = z.object({
  v: z.literal(1),
  priority: z.union([z.literal(FRESH), z.literal(BACKLOG)]),
  ledgerIds: z.array(z.string().regex(/^\d+$/)).max(10_000),
});

/**
 * Keeps work moving whatever happens to the hints: consumes the `transfer` queue, offers again what is due while the
 * queue stands idle (retries, hints that were lost), and feeds the workers from the ledger itself while the queue
 * server is gone.
 */
@Injectable()
export class LedgerFeeder implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(LedgerFeeder.name);
  private readonly loop = new WakeableLoop('ledger feeder', LOOK_INTERVAL_MS, () => this.look());
  private idleLooks = 0;
  private isWithoutQueue = false;

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    @Inject(QUEUE) private readonly queue: WorkQueue,
    private readonly claims: LedgerClaims,
    private readonly interrupted: InterruptedWork,
    private readonly offers: BatchOffers,
    private readonly processor: BatchProcessor,
    private readonly lanes: WorkLanes,
    private readonly journal: OutcomeJournal,
    private readonly strays: StrayClaims,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const cutOff = await this.interrupted.recover();
    if (cutOff.length > 0) {
      this.logger.log(`${cutOff.length} files were in work when the station stopped; they go on now`);
    }
    this.journal.start();
    this.queue.consume('transfer', { concurrency: this.lanes.width }, async (data) => {
      const { priority, ledgerIds } = transferJob.parse(data);
      await this.lanes.run(priority, 'fetched', () => this.processor.process(ledgerIds));
    });
    // What else is due still has its hint, unless the queue lost it, which the first look finds out.
    await this.offers.offer(cutOff);
    this.idleLooks = PATIENCE_LOOKS;
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  private async look(): Promise<boolean> {
    await this.strays.freeAfterOutage();
    const due = await this.claims.due(LOOK_AHEAD);
    if (due.length === 0) {
      this.idleLooks = 0;
      return false;
    }
    if (!this.queue.isAvailable()) {
      return this.workWithoutQueue(due);
    }
    this.noteQueue(true);
    // Asked before anything is offered: retries that come round each second must not hide that other hints are lost.
    const waiting = await this.queue.depth('transfer');
    this.idleLooks = waiting === 0 ? this.idleLooks + 1 : 0;
    if (this.idleLooks >= PATIENCE_LOOKS) {
      this.idleLooks = 0;
      await this.offers.offer(due);
    } else if (waiting < MOST_WAITING) {
      await this.offers.offer(due.filter((row) => row.isRetry));
    }
    return false;
  }

  /** Some batches, then another look: fresh data must not wait for a page of backlog. */
  private async workWithoutQueue(due: readonly DueRow[]): Promise<boolean> {
    this.noteQueue(false);
    await Promise.all(
      batchesByPriority(due, boundsOf(this.config))
        .slice(0, BATCHES_PER_LANE * this.lanes.width)
        .map(({ priority, batch }) =>
          this.lanes.run(priority, 'fetched', () => this.processor.process(batch.map((row) => row.id))),
        ),
    );
    return true;
  }

  private noteQueue(isThere: boolean): void {
    if (this.isWithoutQueue === isThere) {
      this.isWithoutQueue = !isThere;
      this.logger.warn(isThere ? 'the queue is back' : 'the queue server is gone; the ledger itself feeds the workers');
    }
  }
}
