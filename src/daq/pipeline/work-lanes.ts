import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { BACKLOG, FRESH, type Priority } from '../ledger/ledger-row.js';

/** Measured (test/bench): with one the copying threads stood idle most of the time, waiting for the database. */
const BATCHES_IN_SQL = 3;
/** How often it is looked whether the database is back before the next batch begins. */
const AWAY_LOOK_MS = 200;

/**
 * How many batches are worked on at a time, whoever brings them: some more than there are copying threads, so that while
 * one is copied others are claimed and written down. Fresh data is let in before backlog. While the database is away
 * batches under way go on, and no other begins.
 */
@Injectable()
export class WorkLanes implements BeforeApplicationShutdown {
  readonly width: number;
  private readonly waiting: Record<Priority, (() => void)[]> = { [FRESH]: [], [BACKLOG]: [] };
  private busy = 0;
  private isStopping = false;
  private whenEmpty: (() => void) | undefined;

  constructor(
    @Inject(CONFIG) config: StationConfig,
    private readonly database: Database,
  ) {
    this.width = config.storage.workers + BATCHES_IN_SQL;
  }

  /** Lets batches under way finish. Those that wait are told to turn back. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    [...this.waiting[FRESH].splice(0), ...this.waiting[BACKLOG].splice(0)].forEach((letIn) => letIn());
    if (this.busy > 0) {
      await new Promise<void>((resolve) => (this.whenEmpty = resolve));
    }
  }

  /** Answers false, without having run it, when the station stops. */
  async run(priority: Priority, work: () => Promise<void>): Promise<boolean> {
    await this.enter(priority);
    try {
      while (!this.database.isAvailable() && !this.isStopping) {
        await new Promise((resolve) => setTimeout(resolve, AWAY_LOOK_MS));
      }
      if (this.isStopping) {
        return false;
      }
      await work();
      return true;
    } finally {
      this.leave();
    }
  }

  private async enter(priority: Priority): Promise<void> {
    if (this.busy < this.width || this.isStopping) {
      this.busy += 1;
      return;
    }
    // Whoever leaves hands its place over, so that nobody slips in between.
    await new Promise<void>((resolve) => {
      this.waiting[priority].push(() => {
        this.busy += 1;
        resolve();
      });
    });
  }

  private leave(): void {
    this.busy -= 1;
    const next = this.waiting[FRESH].shift() ?? this.waiting[BACKLOG].shift();
    next?.();
    if (this.busy === 0) {
      this.whenEmpty?.();
    }
  }
}
