import { directoryOf, nameOf } from '../../kernel/path-bytes.js';
import type { LedgerRepository } from '../ledger/ledger.repository.js';
import { type SeenFile, SOURCE_VANISHED } from '../ledger/ledger-row.js';
import type { BatchOffers } from '../pipeline/batch-offers.js';
import { lookIfPossible } from '../scan/tree-scan.js';
import { isSame, type Observation, type SettleTracker } from '../settle/settle-tracker.js';

/** Looks per slice: some milliseconds of synchronous calls, then the event loop has its turn. */
const SLICE = 250;
const MOST_PER_TURN = 5000;

/** Gives files whose quiet time is over their last look, and queues those that really stood still. */
export class Settling {
  constructor(
    private readonly tracker: SettleTracker,
    private readonly ledger: LedgerRepository,
    private readonly offers: BatchOffers,
  ) {}

  /** Answers whether files may be due right away again. */
  async turn(nowMs: () => number): Promise<boolean> {
    const due = this.tracker.due(nowMs(), MOST_PER_TURN);
    const settled: Observation[] = [];
    const vanished: Observation[] = [];
    for (let at = 0; at < due.length; at += SLICE) {
      for (const observation of due.slice(at, at + SLICE)) {
        this.lookOnce(observation, nowMs(), settled, vanished);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.record(settled, vanished);
    return due.length === MOST_PER_TURN;
  }

  private lookOnce(observation: Observation, nowMs: number, settled: Observation[], vanished: Observation[]): void {
    const now = seenNow(observation.seen);
    if (now === 'unreadable') {
      this.tracker.restart(observation, nowMs);
    } else if (now === undefined) {
      vanished.push(observation);
    } else if (isSame(now, observation.seen)) {
      settled.push(observation);
    } else {
      this.tracker.observe(observation.ledgerId, now, nowMs);
    }
  }

  private async record(settled: readonly Observation[], vanished: readonly Observation[]): Promise<void> {
    if (vanished.length > 0) {
      await this.ledger.endWaiting(
        vanished.map((observation) => observation.ledgerId),
        'skipped',
        SOURCE_VANISHED,
        'The file was gone before it was complete.',
      );
      vanished.forEach((observation) => this.tracker.forget(observation.seen.sourcePath));
    }
    if (settled.length > 0) {
      const queued = await this.ledger.queueSettled(
        settled.map((observation) => ({ ledgerId: observation.ledgerId, seen: observation.seen })),
      );
      settled.forEach((observation) => this.tracker.forget(observation.seen.sourcePath));
      await this.offers.offer(queued);
    }
  }
}

function seenNow(seen: SeenFile): SeenFile | 'unreadable' | undefined {
  const file = lookIfPossible(directoryOf(seen.sourcePath), nameOf(seen.sourcePath));
  return file === undefined || file === 'unreadable'
    ? file
    : { ...seen, device: file.device, inode: file.inode, sizeBytes: file.sizeBytes, mtimeNs: file.mtimeNs };
}
