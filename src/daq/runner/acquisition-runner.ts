import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../kernel/errors.js';
import { Wakeable } from '../../kernel/wakeable.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import { locationOf } from '../acquisitions/source-addresses.js';
import { settleRule } from '../settle/settle-rule.js';
import { SettleTracker } from '../settle/settle-tracker.js';
import type { SourceTree } from '../source/source-tree.port.js';
import { AcquisitionAlarms } from './acquisition-alarms.js';
import { AcquisitionJournal } from './acquisition-journal.js';
import { FileIntake } from './file-intake.js';
import { FileSearch } from './file-search.js';
import { outcomeOf } from './outcome.js';
import type { RunnerParts } from './runner-parts.js';
import { SecondLooks } from './second-looks.js';
import { Settling } from './settling.js';
import { SourceKeeper } from './source-keeper.js';

/** Longest pause between two turns: the root is looked at, deferred files and the end are noticed at this pace. */
const TURN_MS = 1000;
/** Shortest pause, so that events and files which settle one by one are worked on in small batches. */
const BREATH_MS = 25;
/** How often it is asked which files changed under a worker. */
const DEFERRED_MS = 500;
/** After a stop, files that are still changing get this much more than their quiet time, in ms. */
const GRACE_MS = 5000;

/**
 * Carries one acquisition from its start to its end, over restarts of the station: everything it decides is in the
 * database, so a new runner begins with a look at the whole directory and goes on.
 */
export class AcquisitionRunner {
  private readonly logger = new Logger(AcquisitionRunner.name);
  private readonly journal: AcquisitionJournal;
  private readonly alarms: AcquisitionAlarms;
  private readonly tree: SourceTree;
  private readonly source: SourceKeeper;
  private readonly tracker: SettleTracker;
  private readonly search: FileSearch;
  private readonly settling: Settling;
  private readonly secondLooks: SecondLooks;
  private readonly wakeable = new Wakeable();
  private readonly isMonitor: boolean;
  private running: Promise<void> | undefined;
  private isShuttingDown = false;
  private lastSourceLookAt = Number.NEGATIVE_INFINITY;
  private nextDeferredAt = 0;
  private isFinalizing = false;
  private graceEndsAt: number | undefined;
  private hasFailed = false;
  private hasResumed = false;

  constructor(
    private readonly parts: RunnerParts,
    readonly acquisition: Acquisition,
    private readonly onEnd: () => void,
  ) {
    const { options, jobId } = acquisition;
    this.isMonitor = acquisition.kind === 'monitor';
    this.journal = new AcquisitionJournal(parts, acquisition);
    this.alarms = new AcquisitionAlarms(parts, acquisition);
    this.tree = parts.sources.open({
      location: locationOf(acquisition),
      isJobResult: jobId !== null,
    });
    this.source = new SourceKeeper(parts, acquisition, this.tree, this.journal, this.alarms);
    this.tracker = new SettleTracker(options.quietSeconds * 1000, options.settle.emptyQuietSeconds * 1000);
    const intake = new FileIntake(parts.database, parts.ledger, parts.offers, this.tracker, acquisition);
    this.search = new FileSearch(parts, acquisition, this.tree, intake, {
      onFirstFile: () => this.alarms.sourceEmpty(false),
      onFullPass: (search) => this.alarms.afterPass(search.problems, search.hasFiles),
    });
    this.settling = new Settling(
      this.tree,
      this.tracker,
      settleRule(options.settle, this.tree),
      parts.ledger,
      parts.offers,
      acquisition,
    );
    this.secondLooks = new SecondLooks(this.tree, parts.ledger, this.tracker, acquisition);
  }

  start(): void {
    this.running ??= this.run();
  }

  wake(): void {
    this.wakeable.wake();
  }

  /** Lets go without ending the acquisition: the next start of the station goes on with it. */
  async shutDown(): Promise<void> {
    this.isShuttingDown = true;
    this.wakeable.wake();
    // What waits for an answer of the source is told that none will come.
    await this.tree.close();
    await this.running;
  }

  /** Reacts to a stop that was written into the database. */
  async requestStop(): Promise<void> {
    const to = this.isMonitor ? 'finalizing' : 'aborting';
    await this.journal.move(['pending', 'waiting-for-source', 'running', 'source-lost'], to);
    this.wakeable.wake();
  }

  private async run(): Promise<void> {
    const stopListening = this.parts.listeners.listen(this.acquisition.id, () => this.wakeable.wake());
    try {
      while (!this.isShuttingDown) {
        if (await this.turnSafely()) {
          this.onEnd();
          return;
        }
        await this.pause();
      }
    } finally {
      stopListening();
      await this.search.stopWatching();
      await this.tree.close();
    }
  }

  /** A turn that fails (database away, the source's thread died) is tried again; nothing is concluded from it. */
  private async turnSafely(): Promise<boolean> {
    try {
      const isOver = await this.turn();
      this.hasFailed = false;
      return isOver;
    } catch (error) {
      if (!this.isShuttingDown) {
        this.logger.warn(`acquisition ${this.acquisition.id} pauses: ${messageOf(error)}`);
        await this.search.startOver();
      }
      this.hasFailed = true;
      return false;
    }
  }

  /** Answers true when the acquisition is over. */
  private async turn(): Promise<boolean> {
    const { acquisition } = this;
    if (!this.hasResumed) {
      await this.secondLooks.trackSettling(now);
      this.hasResumed = true;
    }
    const isStopping = acquisition.status === 'finalizing' || acquisition.status === 'aborting';
    if (!isStopping && acquisition.stopAt !== null && acquisition.stopAt.getTime() <= Date.now()) {
      await this.requestStop();
    }
    if (acquisition.status === 'aborting') {
      return this.abort();
    }
    if (!(await this.isSourceThere())) {
      return acquisition.status === 'finalizing' ? this.finalize(false) : false;
    }
    if (acquisition.status === 'finalizing') {
      return this.finalize(true);
    }
    if (acquisition.status !== 'running') {
      await this.journal.move(['pending', 'waiting-for-source', 'source-lost'], 'running');
    }
    await this.lookAround();
    return this.isMonitor ? false : this.finishUploadWhenDone();
  }

  /** Asked at most once a {@link TURN_MS}: turns come many times a second while files arrive. */
  private async isSourceThere(): Promise<boolean> {
    const { status } = this.acquisition;
    const isDue = now() - this.lastSourceLookAt >= TURN_MS;
    if (!isDue && !this.hasFailed && (status === 'running' || status === 'finalizing')) {
      return true;
    }
    const news = await this.source.look();
    if (!news.isThere) {
      this.lastSourceLookAt = Number.NEGATIVE_INFINITY;
      await this.search.stopWatching();
      await this.search.rest();
      return false;
    }
    this.lastSourceLookAt = now();
    if (news.isBack) {
      await this.search.startOver();
    }
    if (this.isMonitor && news.hasEvents && !this.isFinalizing) {
      this.search.startWatching(() => this.wakeable.wake());
      await this.alarms.watchTrouble(this.search.watchTrouble());
    }
    return true;
  }

  private async lookAround(): Promise<void> {
    await this.search.turn(() => !this.isShuttingDown);
    if (now() >= this.nextDeferredAt || this.isFinalizing || !this.isMonitor) {
      this.nextDeferredAt = now() + DEFERRED_MS;
      await this.search.take(await this.secondLooks.deferred());
    }
    if (this.tracker.wantsMore) {
      await this.secondLooks.trackSettling(now);
    }
    while (await this.settling.turn(now)) {
      // a large backlog settles in several turns
    }
  }

  private async finishUploadWhenDone(): Promise<boolean> {
    const { id, scanComplete } = this.acquisition;
    if (!scanComplete || this.tracker.size > 0 || this.search.isSearching) {
      return false;
    }
    if (await this.parts.acquisitions.hasOpenRows(id)) {
      return false;
    }
    // Files that seemed to be gone may have been on a file system that was away for a moment.
    if (!(await this.source.isThere()) || (await this.search.take(await this.secondLooks.givenUp())).taken > 0) {
      return false;
    }
    const { isFailure, message } = await this.outcome();
    return this.end(isFailure ? 'failed' : 'done', message);
  }

  /** A stopped monitor takes what is there, waits a little for files that are still changing, and ends. */
  private async finalize(isSourceThere: boolean): Promise<boolean> {
    if (!this.isFinalizing) {
      this.isFinalizing = true;
      await this.search.stopWatching();
      await this.search.startOver();
    }
    if (isSourceThere) {
      await this.lookAround();
      if (this.search.isSearching) {
        return false;
      }
      await this.search.rest();
    }
    this.graceEndsAt ??= now() + this.graceMs();
    if (now() > this.graceEndsAt) {
      await this.giveUpWaiting(isSourceThere);
    }
    if (this.tracker.size > 0 || (await this.parts.acquisitions.hasOpenRows(this.acquisition.id))) {
      return false;
    }
    return this.end('done', (await this.outcome()).message);
  }

  private graceMs(): number {
    const { quietSeconds, settle } = this.acquisition.options;
    return Math.max(quietSeconds * 2, settle.emptyQuietSeconds) * 1000 + GRACE_MS;
  }

  private async giveUpWaiting(isSourceThere: boolean): Promise<void> {
    this.tracker.forgetAll();
    await this.parts.ledger.cancelWaiting(
      this.acquisition.id,
      ['seen', 'settling', 'deferred', ...(isSourceThere ? [] : (['queued', 'failed'] as const))],
      isSourceThere
        ? 'The monitor was stopped while this file was still changing or not complete; upload the directory to fetch it.'
        : 'The monitor was stopped while its directory was gone; upload the directory when it is back.',
    );
  }

  private async abort(): Promise<boolean> {
    const { acquisition, parts } = this;
    await parts.ledger.cancelWaiting(
      acquisition.id,
      ['seen', 'settling', 'queued', 'deferred', 'failed'],
      'The upload was stopped before this file was copied.',
    );
    if (await parts.acquisitions.hasOpenRows(acquisition.id)) {
      return false;
    }
    return this.end('aborted', null);
  }

  private async end(status: 'done' | 'failed' | 'aborted', message: string | null): Promise<true> {
    await this.journal.finish(status, message, (sql) => this.alarms.clearAll(sql));
    return true;
  }

  private outcome() {
    const { acquisitions, ledger } = this.parts;
    return outcomeOf(this.acquisition.id, this.search.problems, acquisitions, ledger);
  }

  private async pause(): Promise<void> {
    if (this.hasFailed) {
      await this.wakeable.sleep(TURN_MS);
    } else if (!this.search.isSearching) {
      await sleep(BREATH_MS);
      const until = Math.min(this.search.nextAt(), this.tracker.nextDueAt()) - now();
      await this.wakeable.sleep(Math.max(0, Math.min(TURN_MS - BREATH_MS, until)));
    }
  }
}

function now(): number {
  return performance.now();
}
