import { joinBytes } from '../../kernel/path-bytes.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import type { LedgerRepository } from '../ledger/ledger.repository.js';
import { SOURCE_VANISHED } from '../ledger/ledger-row.js';
import type { BatchOffers } from '../pipeline/batch-offers.js';
import type { SettleRule, Waits } from '../settle/settle-rule.js';
import type { Observation, SettleTracker } from '../settle/settle-tracker.js';
import type { Look, ScannedFile, SourceTree } from '../source/source-tree.port.js';

const MOST_PER_TURN = 5000;

interface StoodStill {
  observation: Observation;
  file: ScannedFile;
}

/** Gives files whose quiet time is over their last look, and queues those that really stood still. */
export class Settling {
  constructor(
    private readonly tree: SourceTree,
    private readonly tracker: SettleTracker,
    private readonly rule: SettleRule | undefined,
    private readonly ledger: LedgerRepository,
    private readonly offers: BatchOffers,
    private readonly acquisition: Acquisition,
  ) {}

  /** Answers whether files may be due right away again. */
  async turn(nowMs: () => number): Promise<boolean> {
    const due = this.tracker.due(nowMs(), MOST_PER_TURN);
    if (due.length === 0) {
      return false;
    }
    const looks = await this.tree.look(due.map((observation) => observation.relativePath));
    const vanished = due.filter((_, at) => looks[at] === 'gone' || looks[at] === 'directory');
    const still = due.flatMap((observation, at) => this.standsStill(observation, looks[at], nowMs()) ?? []);
    await this.giveUp(vanished);
    await this.queue(await this.complete(still, nowMs()));
    return due.length === MOST_PER_TURN;
  }

  private standsStill(observation: Observation, look: Look | undefined, nowMs: number): StoodStill | undefined {
    if (look === 'unreadable' || look === undefined) {
      this.tracker.restart(observation, nowMs);
    } else if (typeof look === 'object') {
      if (this.tracker.isAsObserved(observation, look)) {
        return { observation, file: look };
      }
      this.tracker.observe(observation.ledgerId, observation.relativePath, look, nowMs);
    }
    return undefined;
  }

  /** Those of which the acquisition's rule wants nothing more; what the others wait for is written down, once. */
  private async complete(still: readonly StoodStill[], nowMs: number): Promise<StoodStill[]> {
    if (this.rule === undefined || still.length === 0) {
      return [...still];
    }
    const verdicts = await this.rule.check(
      still.map(({ file, observation }) => ({ relativePath: observation.relativePath, sizeBytes: file.sizeBytes })),
    );
    const news: { ledgerId: string; waits: NonNullable<Waits> }[] = [];
    const complete = still.filter(({ observation }, at) => {
      const waits = verdicts[at] ?? null;
      if (waits === null) {
        return true;
      }
      if (observation.waitsFor !== waits.reason) {
        news.push({ ledgerId: observation.ledgerId, waits });
      }
      this.tracker.wait(observation, waits.reason, nowMs);
      return false;
    });
    await this.ledger.noteWaiting(
      news.map(({ ledgerId, waits }) => ({ ledgerId, reasonCode: waits.code, reason: waits.reason })),
    );
    return complete;
  }

  private async giveUp(vanished: readonly Observation[]): Promise<void> {
    if (vanished.length > 0) {
      await this.ledger.endWaiting(
        vanished.map((observation) => observation.ledgerId),
        'skipped',
        SOURCE_VANISHED,
        'The file was gone before it was complete.',
      );
      vanished.forEach((observation) => this.tracker.forget(observation.relativePath));
    }
  }

  private async queue(settled: readonly StoodStill[]): Promise<void> {
    if (settled.length === 0) {
      return;
    }
    const queued = await this.ledger.queueSettled(
      settled.map(({ observation, file }) => ({ ledgerId: observation.ledgerId, seen: this.seen(file) })),
    );
    settled.forEach(({ observation }) => this.tracker.forget(observation.relativePath));
    await this.offers.offer(queued);
  }

  private seen(file: ScannedFile) {
    const { sourceDirectory, destinationDirectory } = this.acquisition;
    return {
      ...file,
      sourcePath: joinBytes(sourceDirectory, file.relativePath),
      destinationPath: joinBytes(destinationDirectory, file.relativePath),
    };
  }
}
