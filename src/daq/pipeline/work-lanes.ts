import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { BACKLOG, FRESH, type Priority } from '../ledger/ledger-row.js';

/** Measured (test/bench): with one the copying threads stood idle most of the time, waiting for the database. */
const BATCHES_IN_SQL = 3;
/** How often it is looked whether the database is back before the next batch begins. */
const AWAY_LOOK_MS = 200;

/** How a batch comes to the lanes: its rows are held in memory, or whoever fetched it fetches the next one afterwards. */
export type Way = 'carried' | 'fetched';

/**
 * Batches of one priority that wait. The two ways go in turn: behind thousands of carried ones nobody would fetch, and
 * so nobody would see what is fresh.
 */
class WaitingBatches {
  private readonly lists: Record<Way, (() => void)[]> = { carried: [], fetched: [] };
  private turn: Way = 'fetched';

  push(way: Way, letIn: () => void): void {
    this.lists[way].push(letIn);
  }

  shift(): (() => void) | undefined {
    const way = this.lists[this.turn].length > 0 ? this.turn : otherThan(this.turn);
    this.turn = otherThan(way);
    return this.lists[way].shift();
  }
}

function otherThan(way: Way): Way {
  return way === 'carried' ? 'fetched' : 'carried';
}

/**
 * How many batches are worked on at a time, whoever brings them: some more than there are copying threads, so that while
 * one is copied others are claimed and written down. Fresh data is let in before backlog. While the database is away
 * batches under way go on, and no other begins.
 */
@Injectable()
export class WorkLanes implements BeforeApplicationShutdown {
  readonly width: number;
  private readonly waiting: Record<Priority, WaitingBatches> = {
    [FRESH]: new WaitingBatches(),
    [BACKLOG]: new WaitingBatches(),
  };
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
    for (let letIn = this.next(); letIn !== undefined; letIn = this.next()) {
      letIn();
    }
    if (this.busy > 0) {
      await new Promise<void>((resolve) => (this.whenEmpty = resolve));
    }
  }

  /** Answers false, without having run it, when the station stops. */
  async run(priority: Priority, way: Way, work: () => Promise<void>): Promise<boolean> {
    await this.enter(priority, way);
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

  private async enter(priority: Priority, way: Way): Promise<void> {
    if (this.busy < this.width || this.isStopping) {
      this.busy += 1;
      return;
    }
    // Whoever leaves hands its place over, so that nobody slips in between.
    await new Promise<void>((resolve) => {
      this.waiting[priority].push(way, () => {
        this.busy += 1;
        resolve();
      });
    });
  }

  private leave(): void {
    this.busy -= 1;
    this.next()?.();
    if (this.busy === 0) {
      this.whenEmpty?.();
    }
  }
  private next(): (() => void) | undefined {
    return this.waiting[FRESH].shift() ?? this.waiting[BACKLOG].shift();
  }
}
