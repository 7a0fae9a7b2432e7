import { Logger } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import { relativeTo } from '../../kernel/path-bytes.js';
import { pathToText } from '../../kernel/path-text.js';
import { Wakeable } from '../../kernel/wakeable.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import type { SeenFile } from '../ledger/ledger-row.js';
import { FileFilter, type FilterOptions } from '../scan/file-filter.js';
import { lookAt } from '../scan/tree-scan.js';
import { SettleTracker } from '../settle/settle-tracker.js';
import { AcquisitionAlarms } from './acquisition-alarms.js';
import { AcquisitionJournal } from './acquisition-journal.js';
import { FileIntake } from './file-intake.js';
import type { RunnerParts } from './runner-parts.js';
import { Settling } from './settling.js';
import { SourcePresence } from './source-presence.js';
import { SourceWatch } from './source-watch.js';

/** Longest pause between two turns: the root is looked at, deferred files and the end are noticed at this pace. */
const TURN_MS = 1000;
/** A rescan may take at most about a tenth of the time. */
const SCAN_SHARE = 10;
/** After a stop, files that are still changing get this much more than their quiet time, in ms. */
const GRACE_MS = 5000;
const DEFERRED_PER_TURN = 500;
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
  private readonly presence: SourcePresence;
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
    this.presence = new SourcePresence(sourceDirectory);
    this.watch = new SourceWatch(
      sourceDirectory,
      () => this.wakeable.wake(),
      (error) => void this.alarms.watchTrouble(error),
    );
    this.filterOptions = {
      includePatterns: options.includePatterns,
      excludePatterns: options.excludePatterns,
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
    if (acquisition.stopAt !== null && acquisition.stopAt.getTime() <= Date.now()) {
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
    const presence = await this.presence.look();
    const { status } = this.acquisition;
    if (presence.isThere) {
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
    await this.lookAtDeferred();
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
      .flatMap((path) => lookAt(this.acquisition.sourceDirectory, path) ?? [])
      .map((file) => this.intake.toSeen(file));
    await this.take(seen, NEVER);
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

  /** Files that changed under a worker, or were gone when it came. */
  private async lookAtDeferred(): Promise<void> {
    const rows = await this.parts.ledger.deferredOf(this.acquisition.id, DEFERRED_PER_TURN);
    if (rows.length === 0) {
      return;
    }
    const { sourceDirectory } = this.acquisition;
    const looks = rows.map((row) => ({
      row,
      file: lookAt(sourceDirectory, relativeTo(row.sourcePath, sourceDirectory)),
    }));
    await this.parts.ledger.endWaiting(
      looks.filter((look) => look.file === undefined).map((look) => look.row.id),
      'skipped',
      'source-vanished',
      'The file changed while it was copied and was gone afterwards.',
    );
    await this.take(
      looks.flatMap((look) => look.file ?? []).map((file) => this.intake.toSeen(file)),
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
    const message = await this.troubleMessage();
    return this.end(message === null ? 'done' : 'failed', message);
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
    if (this.tracker.size > 0 && performance.now() > this.graceEndsAt) {
      this.tracker.all().forEach((observation) => this.tracker.forget(observation.seen.sourcePath));
      await this.parts.ledger.cancelWaiting(
        this.acquisition.id,
        ['seen', 'settling', 'deferred'],
        'The monitor was stopped while this file was still changing; upload the directory to fetch it.',
      );
    }
    if (this.tracker.size > 0 || (await this.parts.acquisitions.hasOpenRows(this.acquisition.id))) {
      return false;
    }
    return this.end('done', await this.troubleMessage());
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

  private async troubleMessage(): Promise<string | null> {
    const { id } = this.acquisition;
    const counts = (await this.parts.acquisitions.counts([id])).get(id);
    return counts === undefined || counts.quarantined === 0
      ? null
      : `${counts.quarantined} of ${counts.found} files are in quarantine and need a person: dm acquisition files ${id} --state quarantined`;
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
