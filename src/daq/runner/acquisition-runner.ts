import { Logger } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import { pathToText } from '../../kernel/path-text.js';
import { Wakeable } from '../../kernel/wakeable.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import type { SeenFile } from '../ledger/ledger-row.js';
import { FileFilter, type FilterOptions } from '../scan/file-filter.js';
import { lookIfPossible } from '../scan/tree-scan.js';
import type { ScannedFile } from '../source/source-tree.port.js';
import { SettleTracker } from '../settle/settle-tracker.js';
import { AcquisitionAlarms } from './acquisition-alarms.js';
import { AcquisitionJournal } from './acquisition-journal.js';
import { FileIntake } from './file-intake.js';
import type { RunnerParts } from './runner-parts.js';
import { SecondLooks } from './second-looks.js';
import { Settling } from './settling.js';
import { lookForSource, type Presence } from './source-presence.js';
import { SourceWatch } from './source-watch.js';

/** Longest pause between two turns: the root is looked at, deferred files and the end are noticed at this pace. */
const TURN_MS = 1000;
/** A rescan may take at most about a tenth of the time. */
const SCAN_SHARE = 10;
/** After a stop, files that are still changing get this much more than their quiet time, in ms. */
const GRACE_MS = 5000;
/** What a scan passes by on purpose; anything else that it reports is data that it could not get at. */
const NEVER_DATA = ['SYMBOLIC_LINK', 'NOT_A_REGULAR_FILE'];
const NEVER = (): boolean => false;

/**
 * Carries one acquisition from its start to its end, over restarts of the station: everything it decides is in the
 * database, so a new runner begins with a look at the whole directory and goes on.
 */
export class AcquisitionRunner {
  private readonly logger = new Logger(AcquisitionRunner.name);
  private readonly journal: AcquisitionJournal;
  private readonly alarms: AcquisitionAlarms;
  private readonly tracker: SettleTracker;
  private readonly intake: FileIntake;
  private readonly settling: Settling;
  private readonly secondLooks: SecondLooks;
  private readonly watch: SourceWatch;
  private readonly filterOptions: FilterOptions;
  private readonly filter: FileFilter;
  private readonly wakeable = new Wakeable();
  private readonly isMonitor: boolean;
  private running: Promise<void> | undefined;
  private isShuttingDown = false;
  private nextScanAt = 0;
  private graceEndsAt: number | undefined;
  private hasFoundFiles = false;
  private hasFailed = false;
  private hasResumed = false;
  /** What the last scan could not take. */
  private problems: readonly { path: string; code: string }[] = [];

  constructor(
    private readonly parts: RunnerParts,
    readonly acquisition: Acquisition,
    private readonly onEnd: () => void,
  ) {
    const { options, sourceDirectory } = acquisition;
    this.isMonitor = acquisition.kind === 'monitor';
    this.journal = new AcquisitionJournal(parts, acquisition);
    this.alarms = new AcquisitionAlarms(parts, acquisition);
    this.tracker = new SettleTracker(options.quietSeconds * 1000);
    this.intake = new FileIntake(parts.database, parts.ledger, parts.offers, this.tracker, acquisition);
    this.settling = new Settling(this.tracker, parts.ledger, parts.offers);
    this.secondLooks = new SecondLooks(parts.ledger, this.tracker, acquisition);
    this.watch = new SourceWatch(
      sourceDirectory,
      () => this.wakeable.wake(),
      (error) => void this.alarms.watchTrouble(error),
    );
    this.filterOptions = {
      includePatterns: options.includePatterns,
      excludePatterns: options.excludePatterns,
      includeFileExtensions: options.includeFileExtensions,
      excludeFileExtensions: options.excludeFileExtensions,
      onlyFiles: options.onlyFiles,
      processHidden: options.processHidden,
      ignoredNames: parts.config.daq.ignoredNames,
    };
    this.filter = new FileFilter(this.filterOptions);
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
    await this.running;
  }

  private async run(): Promise<void> {
    const stopListening = this.parts.listeners.listen(this.acquisition.id, () => this.wakeable.wake());
    try {
      while (!this.isShuttingDown) {
        if (await this.turnSafely()) {
          this.onEnd();
          return;
        }
        await this.wakeable.sleep(this.pauseMs());
      }
    } finally {
      stopListening();
      await this.watch.stop();
    }
  }

  /** A turn that fails (database away, scan thread died) is tried again; nothing is concluded from it. */
  private async turnSafely(): Promise<boolean> {
    try {
      const isOver = await this.turn();
      this.hasFailed = false;
      return isOver;
    } catch (error) {
      this.logger.warn(`acquisition ${this.acquisition.id} pauses: ${messageOf(error)}`);
      this.hasFailed = true;
      this.nextScanAt = 0;
      return false;
    }
  }

  /** Answers true when the acquisition is over. */
  private async turn(): Promise<boolean> {
    const { acquisition } = this;
    if (!this.hasResumed) {
      await this.secondLooks.resume(() => performance.now());
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
    await this.becomeRunning();
    await this.lookAround();
    return this.isMonitor ? false : this.finishUploadWhenDone();
  }

  /** Reacts to a stop that was written into the database. */
  async requestStop(): Promise<void> {
    const to = this.isMonitor ? 'finalizing' : 'aborting';
    await this.journal.move(['pending', 'waiting-for-source', 'running', 'source-lost'], to);
    this.nextScanAt = 0;
    this.wakeable.wake();
  }

  private async isSourceThere(): Promise<boolean> {
    const { acquisition, parts } = this;
    const { status } = acquisition;
    const presence = await this.lookForSource();
    if (presence.isThere) {
      if (presence.device !== acquisition.sourceDevice) {
        await parts.acquisitions.setSourceDevice(acquisition.id, presence.device);
        acquisition.sourceDevice = presence.device;
      }
      if (status === 'waiting-for-source' || status === 'source-lost') {
        await this.alarms.sourceThere();
        this.nextScanAt = 0;
      }
      return true;
    }
    await this.watch.stop();
    this.nextScanAt = Number.POSITIVE_INFINITY;
    if (status === 'pending' || status === 'running') {
      const isLost = this.acquisition.startedAt !== null;
      await this.journal.move(['pending', 'running'], isLost ? 'source-lost' : 'waiting-for-source');
    }
    await this.alarms.sourceMissing(presence.reason, this.acquisition.startedAt !== null);
    return false;
  }

  private lookForSource(): Promise<Presence> {
    const { acquisition, parts } = this;
    return lookForSource(acquisition.sourceDirectory, acquisition.sourceDevice, (real) =>
      // Results of a job: processing names the job's own directory, no person chose it.
      acquisition.jobId === null ? parts.sourceRoots.allows(real) : Promise.resolve(true),
    );
  }

  private async becomeRunning(): Promise<void> {
    if (this.acquisition.status !== 'running') {
      await this.journal.move(['pending', 'waiting-for-source', 'source-lost'], 'running');
    }
    if (this.isMonitor) {
      this.watch.start();
    }
  }

  private async lookAround(): Promise<void> {
    await this.followHints();
    if (performance.now() >= this.nextScanAt) {
      await this.scan();
    }
    await this.takeLater(await this.secondLooks.deferred());
    while (await this.settling.turn(() => performance.now())) {
      // a large backlog settles in several turns
    }
  }

  private async followHints(): Promise<void> {
    const hints = this.watch.takeHints();
    if (hints.wantsScan) {
      this.nextScanAt = Math.min(this.nextScanAt, performance.now());
    }
    if (!this.acquisition.scanComplete) {
      return; // the first scan is under way or comes now, and it alone knows what was there before
    }
    const seen = hints.paths
      .filter((path) => this.filter.acceptsPath(path))
      .map((path) => lookIfPossible(this.acquisition.sourceDirectory, path))
      .filter((file) => file !== undefined && file !== 'unreadable');
    await this.takeLater(seen);
  }

  private async scan(): Promise<void> {
    const startedAt = performance.now();
    const isFirst = !this.acquisition.scanComplete;
    const problems: { path: string; code: string }[] = [];
    let unchangedFiles = 0;
    let unchangedBytes = 0n;
    for await (const batch of this.parts.scanner.scan(this.acquisition.sourceDirectory, this.filterOptions)) {
      const leftAlone = this.leftAlone(isFirst);
      const files = batch.files.map((file) => ({ seen: this.intake.toSeen(file), isOld: leftAlone(file.ctimeNs) }));
      const oldOnes = new Set(files.filter((file) => file.isOld).map((file) => file.seen));
      const result = await this.take(
        files.map((file) => file.seen),
        (seen) => oldOnes.has(seen),
      );
      unchangedFiles += result.unchangedFiles;
      unchangedBytes += result.unchangedBytes;
      problems.push(
        ...batch.problems.map(({ relativePath, code }) => ({ path: pathToText(Buffer.from(relativePath)), code })),
      );
      if (this.isShuttingDown) {
        return;
      }
    }
    this.problems = problems;
    const ofRoot = problems.find((problem) => problem.path === '');
    if (ofRoot !== undefined) {
      await this.alarms.notTaken(problems);
      throw new Error(`the directory itself cannot be listed (${ofRoot.code})`);
    }
    if (isFirst) {
      await this.recordFirstScan(unchangedFiles, unchangedBytes);
    }
    await this.alarms.notTaken(problems);
    const took = performance.now() - startedAt;
    const pause = Math.max(this.parts.config.daq.rescanSeconds * 1000, took * SCAN_SHARE);
    this.nextScanAt = this.isMonitor ? performance.now() + pause : Number.POSITIVE_INFINITY;
  }

  /** In the first scan of a monitor without processExisting: what was last touched before the start is left alone. */
  private leftAlone(isFirst: boolean): (ctimeNs: bigint) => boolean {
    const startNs = BigInt(this.acquisition.createdAt.getTime()) * 1_000_000n;
    return isFirst && this.acquisition.ignoresExisting ? (ctimeNs) => ctimeNs < startNs : NEVER;
  }

  private async recordFirstScan(unchangedFiles: number, unchangedBytes: bigint): Promise<void> {
    const { acquisition, parts } = this;
    await parts.database.transaction(async (tx) => {
      await parts.acquisitions.setUnchanged(tx, acquisition.id, unchangedFiles, unchangedBytes);
      await parts.acquisitions.change(tx, acquisition.id, 'any', { scanComplete: true });
    });
    acquisition.scanComplete = true;
    acquisition.unchangedFiles = unchangedFiles;
    await this.alarms.sourceEmpty(!this.hasFoundFiles);
  }

  private async take(files: readonly SeenFile[], isLeftAlone: (file: SeenFile) => boolean) {
    if (files.length > 0 && !this.hasFoundFiles) {
      this.hasFoundFiles = true;
      await this.alarms.sourceEmpty(false);
    }
    return this.intake.take(files, isLeftAlone, performance.now());
  }

  private takeLater(files: readonly ScannedFile[]) {
    return this.take(
      files.map((file) => this.intake.toSeen(file)),
      NEVER,
    );
  }

  private async finishUploadWhenDone(): Promise<boolean> {
    if (!this.acquisition.scanComplete || this.tracker.size > 0) {
      return false;
    }
    if (await this.parts.acquisitions.hasOpenRows(this.acquisition.id)) {
      return false;
    }
    // Files that seemed to be gone may have been on a file system that was away for a moment.
    if (!(await this.lookForSource()).isThere || (await this.takeLater(await this.secondLooks.givenUp())).taken > 0) {
      return false;
    }
    const trouble = await this.trouble();
    return this.end(trouble.isFailure ? 'failed' : 'done', trouble.message);
  }

  /** A stopped monitor takes what is there, waits a little for files that are still changing, and ends. */
  private async finalize(isSourceThere: boolean): Promise<boolean> {
    if (this.graceEndsAt === undefined) {
      this.graceEndsAt = performance.now() + this.acquisition.options.quietSeconds * 2000 + GRACE_MS;
      await this.watch.stop();
      this.nextScanAt = 0;
    }
    if (isSourceThere) {
      await this.lookAround();
      this.nextScanAt = Number.POSITIVE_INFINITY;
    }
    if (performance.now() > this.graceEndsAt) {
      await this.giveUpWaiting(isSourceThere);
    }
    if (this.tracker.size > 0 || (await this.parts.acquisitions.hasOpenRows(this.acquisition.id))) {
      return false;
    }
    return this.end('done', (await this.trouble()).message);
  }

  private async giveUpWaiting(isSourceThere: boolean): Promise<void> {
    this.tracker.all().forEach((observation) => this.tracker.forget(observation.seen.sourcePath));
    await this.parts.ledger.cancelWaiting(
      this.acquisition.id,
      ['seen', 'settling', 'deferred', ...(isSourceThere ? [] : (['queued', 'failed'] as const))],
      isSourceThere
        ? 'The monitor was stopped while this file was still changing; upload the directory to fetch it.'
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

  /** What a person should know at the end. Links and the like are only mentioned: they never were data. */
  private async trouble(): Promise<{ isFailure: boolean; message: string | null }> {
    const { id } = this.acquisition;
    const counts = (await this.parts.acquisitions.counts([id])).get(id);
    const unreadable = this.problems.filter((problem) => !NEVER_DATA.includes(problem.code));
    const sentences: string[] = [];
    if (counts !== undefined && counts.quarantined > 0) {
      sentences.push(
        `${counts.quarantined} of ${counts.found} files are in quarantine and need a person: dm acquisition files ${id} --state quarantined`,
      );
    }
    const vanished = await this.parts.ledger.countGivenUp(id);
    if (vanished > 0) {
      sentences.push(
        `${vanished} files were gone before they could be copied: dm acquisition files ${id} --state skipped`,
      );
    }
    const [first] = this.problems;
    if (first !== undefined) {
      sentences.push(
        `${this.problems.length} entries of the directory were not taken, such as ${first.path} (${first.code})`,
      );
    }
    return {
      isFailure: (counts?.quarantined ?? 0) > 0 || vanished > 0 || unreadable.length > 0,
      message: sentences.length === 0 ? null : sentences.join('; '),
    };
  }

  private pauseMs(): number {
    if (this.hasFailed) {
      return TURN_MS;
    }
    const untilScan = this.nextScanAt - performance.now();
    const untilSettled = this.tracker.size > 0 ? this.tracker.pauseMs() : TURN_MS;
    return Math.max(10, Math.min(TURN_MS, untilScan, untilSettled));
  }
}
