import { watchesAllowed, type WatchLimits } from './watch-limits.js';

/** Directories watched in all: each costs about 3 KB here and 1 KB in the kernel. */
export const MOST_WATCHED = 16_384;
/** More events than this within one moment may mean that the kernel's queue ran over, which Node does not tell. */
const MOST_EVENTS = 5000;
const MOMENT_MS = 25;

/** A watch that shares the budget. */
export interface BudgetedWatch {
  /** Events of any of the watches may have been lost. */
  mayHaveMissed(): void;
}

/** What the watches of all sources share: the limits of the account, and the one queue of events that a thread has. */
export class WatchBudget {
  private readonly watches = new Set<BudgetedWatch>();
  private events = 0;
  private moment: NodeJS.Timeout | undefined;

  /** `counter`: one number, how many directories are watched; other threads may read it. */
  constructor(
    readonly limits: WatchLimits,
    private readonly counter: Int32Array = new Int32Array(1),
  ) {}

  get used(): number {
    return Atomics.load(this.counter, 0);
  }

  get allowed(): number {
    return Math.min(MOST_WATCHED, watchesAllowed(this.limits));
  }

  get room(): number {
    return Math.max(0, this.allowed - this.used);
  }

  take(): void {
    Atomics.add(this.counter, 0, 1);
  }

  giveBack(watches: number): void {
    Atomics.sub(this.counter, 0, watches);
  }

  join(watch: BudgetedWatch): void {
    this.watches.add(watch);
  }

  leave(watch: BudgetedWatch): void {
    this.watches.delete(watch);
  }

  /** Which of the watches lost something when the queue ran over nobody can tell, so all of them are told. */
  noteEvent(): void {
    this.events += 1;
    this.moment ??= setTimeout(() => {
      const most = Math.min(MOST_EVENTS, this.limits.maxQueuedEvents / 2);
      if (this.events > most) {
        this.watches.forEach((watch) => watch.mayHaveMissed());
      }
      this.events = 0;
      this.moment = undefined;
    }, MOMENT_MS);
  }
}
