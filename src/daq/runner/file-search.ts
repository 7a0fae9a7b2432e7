import type { Acquisition } from '../acquisitions/acquisition.js';
import { FileFilter, type FilterOptions } from '../scan/file-filter.js';
import type {
  ScanBatch,
  ScannedFile,
  ScanRequest,
  SourceTree,
  SourceWatch,
  WatchTrouble,
} from '../source/source-tree.port.js';
import type { FileIntake, IntakeResult } from './file-intake.js';
import { FullPass, type RunningPass } from './full-pass.js';
import { leftAloneBy } from './left-alone.js';
import type { RunnerParts } from './runner-parts.js';
import { filesOf } from './second-looks.js';

/** Passes give way after this long in a turn: files that settle meanwhile must not wait for a million others. */
const SLICE_MS = 250;
/** A rescan may take at most about a tenth of the time … */
const SCAN_SHARE = 10;
/** … and a tree of no more files than this, which takes some tenths of a second, is walked wholly each time. */
const SMALL_TREE_FILES = 5000;
/** Looks that events ask for go to the source in such numbers. */
const LOOKS_AT_ONCE = 2000;
/** More directories than these are found as quickly by a pass over the tree. */
const MOST_DIRECTORIES = 100;
const MOST_AGAIN = 10_000;
const SHORTEST_PAUSE_MS = 200;

export interface SearchListener {
  onFirstFile(): Promise<void>;
  onFullPass(search: FileSearch): Promise<void>;
}

/**
 * Finds the files of one acquisition: events say where to look first, `changes` passes find new files without them, and
 * full passes, at once or spread over the sweep period, find everything.
 */
export class FileSearch {
  private readonly filterOptions: FilterOptions;
  private readonly filter: FileFilter;
  private readonly isMonitor: boolean;
  private watch: SourceWatch | undefined;
  private full: FullPass | undefined;
  private changes: RunningPass | undefined;
  private nextFullAt = 0;
  private nextChangesAt = Number.POSITIVE_INFINITY;
  private isSweeping = false;
  private filesInTree = 0;
  private readonly directories = new Map<string, Buffer>();
  private readonly again = new Map<string, Uint8Array>();
  private hasFoundFiles = false;
  /** What the last full pass could not take. */
  problems: readonly { path: string; code: string }[] = [];

  constructor(
    private readonly parts: RunnerParts,
    private readonly acquisition: Acquisition,
    private readonly tree: SourceTree,
    private readonly intake: FileIntake,
    private readonly listener: SearchListener,
  ) {
    const { options, kind } = acquisition;
    this.isMonitor = kind === 'monitor';
    this.filterOptions = {
      includePatterns: options.includePatterns,
      excludePatterns: options.excludePatterns,
      includeFileExtensions: options.includeFileExtensions,
      excludeFileExtensions: options.excludeFileExtensions,
      onlyFiles: options.onlyFiles,
      processHidden: options.processHidden,
      ignoredNames: parts.config.daq.ignoredNames,
      temporaryNames: options.settle.temporaryNames,
    };
    this.filter = new FileFilter(this.filterOptions);
  }

  get hasFiles(): boolean {
    return this.hasFoundFiles;
  }

  /** Whether a full pass is due or under way that a person, or the end, waits for. */
  get isSearching(): boolean {
    return (this.full !== undefined && !this.full.isSweep) || this.nextFullAt <= performance.now();
  }

  startWatching(onHint: () => void): void {
    if (this.watch === undefined && this.parts.config.daq.watchDirectories) {
      this.watch = this.tree.watch(onHint);
    }
  }

  async stopWatching(): Promise<void> {
    const { watch } = this;
    this.watch = undefined;
    await watch?.close();
  }

  watchTrouble(): WatchTrouble | null {
    return this.watch?.trouble() ?? null;
  }

  /** The whole tree is looked at next, as fast as it goes. */
  async startOver(): Promise<void> {
    await this.dropPasses();
    this.isSweeping = false;
    this.nextFullAt = 0;
  }

  /** No further pass starts by itself. */
  async rest(): Promise<void> {
    await this.dropPasses();
    this.nextFullAt = Number.POSITIVE_INFINITY;
    this.nextChangesAt = Number.POSITIVE_INFINITY;
  }

  /** When there is something to do next, on the monotonic clock. */
  nextAt(): number {
    const now = performance.now();
    if (this.changes !== undefined || this.directories.size > 0) {
      return now;
    }
    const full = this.full === undefined ? this.nextFullAt : this.full.dueAt();
    return Math.min(full, this.nextChangesAt);
  }

  async turn(mayGoOn: () => boolean): Promise<void> {
    const until = performance.now() + SLICE_MS;
    const isInTime = () => mayGoOn() && performance.now() < until;
    await this.followHints();
    await this.lookAgain();
    await this.advanceChanges(isInTime);
    await this.advanceFull(isInTime);
  }

  /** Files that something other than a pass has looked at. */
  async take(files: readonly ScannedFile[]): Promise<IntakeResult> {
    return this.takeFiles(files, () => false);
  }

  private async followHints(): Promise<void> {
    const hints = this.watch?.takeHints();
    if (hints === undefined || !this.acquisition.scanComplete) {
      return; // the first pass is under way or comes now, and it alone knows what was there before
    }
    if (hints.wantsScan || this.directories.size + hints.directories.length > MOST_DIRECTORIES) {
      this.changesSoon();
    } else {
      hints.directories.forEach((path) => this.directories.set(path.toString('latin1'), path));
    }
    const paths = hints.paths.filter((path) => this.filter.acceptsPath(path) || this.filter.acceptsDirectories(path));
    for (let at = 0; at < paths.length; at += LOOKS_AT_ONCE) {
      await this.look(paths.slice(at, at + LOOKS_AT_ONCE));
    }
  }

  private async look(paths: readonly Buffer[]): Promise<void> {
    const looks = await this.tree.look(paths);
    paths.forEach((path, at) => {
      if (looks[at] === 'directory') {
        this.directories.set(path.toString('latin1'), path);
      }
    });
    await this.take(filesOf(looks).filter((file) => this.filter.acceptsPath(Buffer.from(file.relativePath))));
  }

  private changesSoon(): void {
    this.nextChangesAt = Math.min(this.nextChangesAt, performance.now());
  }

  /** Files that changed while a worker held their row. */
  private async lookAgain(): Promise<void> {
    const paths = [...this.again.values()].slice(0, LOOKS_AT_ONCE);
    if (paths.length > 0) {
      paths.forEach((path) => this.again.delete(Buffer.from(path).toString('latin1')));
      await this.take(filesOf(await this.tree.look(paths)));
    }
  }

  private async advanceChanges(isInTime: () => boolean): Promise<void> {
    if (!this.acquisition.scanComplete) {
      return;
    }
    this.changes ??= this.nextChanges();
    const pass = this.changes;
    if (pass === undefined) {
      return;
    }
    const isOver = await this.pull(pass, isInTime, () => true);
    if (isOver) {
      this.changes = undefined;
    }
  }

  private nextChanges(): RunningPass | undefined {
    const now = performance.now();
    if (this.directories.size > 0 && this.directories.size <= MOST_DIRECTORIES) {
      const only = [...this.directories.values()];
      this.directories.clear();
      return this.begin({ pass: 'changes', only });
    }
    if (this.directories.size > MOST_DIRECTORIES) {
      this.directories.clear();
      this.nextChangesAt = now;
    }
    if (now < this.nextChangesAt) {
      return undefined;
    }
    this.nextChangesAt = now + this.rescanMs;
    return this.begin({ pass: 'changes' });
  }

  private begin(request: Pick<ScanRequest, 'pass' | 'only' | 'isSpread'>): RunningPass {
    const batches = this.tree.scan({ ...request, filter: this.filterOptions });
    return { batches, startedAt: performance.now(), workMs: 0 };
  }

  private async advanceFull(isInTime: () => boolean): Promise<void> {
    if (this.full === undefined && performance.now() >= this.nextFullAt) {
      const sweepMs = this.isSweeping ? this.sweepMs : 0;
      this.full = new FullPass(this.begin({ pass: 'full', isSpread: sweepMs > 0 }), sweepMs, this.filesInTree);
    }
    const full = this.full;
    if (full === undefined) {
      return;
    }
    const isFirst = !this.acquisition.scanComplete;
    const isLeftAlone = isFirst ? leftAloneBy(this.acquisition) : () => false;
    const isOver = await this.pull(
      full.pass,
      isInTime,
      () => performance.now() >= full.dueAt(),
      async (batch) => {
        full.note(batch, await this.takeFiles(batch.files, isLeftAlone));
      },
    );
    if (isOver) {
      this.full = undefined;
      await this.endFull(full, isFirst);
    }
  }

  /** Answers whether the pass is over. */
  private async pull(
    pass: RunningPass,
    isInTime: () => boolean,
    isDue: () => boolean,
    take: (batch: ScanBatch) => Promise<void> = async (batch) => void (await this.take(batch.files)),
  ): Promise<boolean> {
    while (isDue()) {
      const startedAt = performance.now();
      const step = await pass.batches.next();
      if (step.done === true) {
        return true;
      }
      await take(step.value);
      pass.workMs += performance.now() - startedAt;
      if (!isInTime()) {
        return false;
      }
    }
    return false;
  }

  private async endFull(full: FullPass, isFirst: boolean): Promise<void> {
    this.problems = full.problems;
    this.filesInTree = full.files;
    const ofRoot = full.problems.find((problem) => problem.path === '');
    if (ofRoot !== undefined) {
      await this.listener.onFullPass(this);
      throw new Error(`the directory itself cannot be listed (${ofRoot.code})`);
    }
    if (isFirst) {
      await this.recordFirst(full);
    }
    this.plan(full);
    await this.listener.onFullPass(this);
  }

  private plan(full: FullPass): void {
    const now = performance.now();
    if (!this.isMonitor) {
      this.nextFullAt = Number.POSITIVE_INFINITY;
      return;
    }
    const pause = Math.max(this.rescanMs, full.pass.workMs * SCAN_SHARE);
    this.isSweeping = full.files > SMALL_TREE_FILES;
    if (!this.isSweeping) {
      this.nextFullAt = now + pause;
      this.nextChangesAt = Number.POSITIVE_INFINITY;
      return;
    }
    this.nextFullAt = full.isSweep ? Math.max(now, full.pass.startedAt + this.sweepMs) : now + pause;
    if (this.nextChangesAt === Number.POSITIVE_INFINITY) {
      this.nextChangesAt = now + this.rescanMs;
    }
  }

  private async recordFirst(full: FullPass): Promise<void> {
    const { acquisition, parts } = this;
    await parts.database.transaction(async (tx) => {
      await parts.acquisitions.setUnchanged(tx, acquisition.id, full.unchangedFiles, full.unchangedBytes);
      await parts.acquisitions.change(tx, acquisition.id, 'any', { scanComplete: true });
    });
    acquisition.scanComplete = true;
    acquisition.unchangedFiles = full.unchangedFiles;
  }

  private async takeFiles(
    files: readonly ScannedFile[],
    isLeftAlone: (file: ScannedFile) => boolean,
  ): Promise<IntakeResult> {
    if (files.length > 0 && !this.hasFoundFiles) {
      this.hasFoundFiles = true;
      await this.listener.onFirstFile();
    }
    const result = await this.intake.take(files, isLeftAlone, performance.now());
    for (const path of result.again) {
      if (this.again.size < MOST_AGAIN) {
        this.again.set(Buffer.from(path).toString('latin1'), path);
      } else {
        this.nextFullAt = Math.min(this.nextFullAt, performance.now() + SHORTEST_PAUSE_MS);
      }
    }
    return result;
  }

  private async dropPasses(): Promise<void> {
    const { full, changes } = this;
    this.full = undefined;
    this.changes = undefined;
    this.directories.clear();
    await full?.pass.batches.return(undefined);
    await changes?.batches.return(undefined);
  }

  private get rescanMs(): number {
    return this.parts.config.daq.rescanSeconds * 1000;
  }

  private get sweepMs(): number {
    return this.parts.config.daq.sweepSeconds * 1000;
  }
}
