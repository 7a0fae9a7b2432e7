import { type FSWatcher, watch } from 'chokidar';
import { nameOf, relativeTo } from '../../kernel/path-bytes.js';
import type { WatchTrouble } from './source-tree.port.js';
import { UnwatchedDirectories } from './unwatched-directories.js';
import { type BudgetedWatch, MOST_WATCHED, type WatchBudget } from './watch-budget.js';
import { tooManyDirectories, tooManyForStation, troubleOf } from './watch-limits.js';
import type { WatchNews } from './watch-protocol.js';

const MOST_PATHS = 5000;
const FLUSH_MS = 25;
/** An error is over when it has not come again for this long. */
const CALM_MS = 60_000;
/** How often it is looked whether there is room for a directory that found none, … */
const AGAIN_MS = 1000;
/** … how many get a watch at a time then, … */
const MOST_AGAIN = 1000;
/** … and at how many it is looked while there is no room: those that were removed want a watch no more. */
const LOOKS_WITHOUT_ROOM = 100;

/**
 * Watches the directories of one tree, never its files, and tells which names an event was about. chokidar adds and
 * keeps the watches; what it would find out about each file is left to the scanner: `ignored` turns every path away that
 * is no watched directory before it is looked at, and the raw events carry the names.
 */
export class DirectoryWatch implements BudgetedWatch {
  private readonly watcher: FSWatcher;
  private readonly watched = new Set<string>();
  private readonly unwatched = new UnwatchedDirectories();
  private calm: NodeJS.Timeout | undefined;
  private again: NodeJS.Timeout | undefined;
  private isClosed = false;
  private readonly paths = new Map<string, Buffer>();
  private readonly directories = new Map<string, Buffer>();
  private wantsScan = false;
  private fault: WatchTrouble | null = null;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly id: number,
    private readonly root: Buffer,
    private readonly budget: WatchBudget,
    private readonly tell: (news: WatchNews) => void,
  ) {
    this.watcher = watch([], {
      followSymlinks: false,
      ignorePermissionErrors: true,
      atomic: false,
      ignored: (path) => !this.watched.has(path),
    });
    this.watcher.on('raw', (_event, name, details) =>
      this.note(name, (details as { watchedPath?: string }).watchedPath),
    );
    // Told when the watch of a directory stands: what came into it before was seen by nobody, so it is listed (again).
    this.watcher.on('addDir', (path) => this.askToList(Buffer.from(path)));
    this.watcher.on('unlinkDir', (path) => this.forget(path));
    this.watcher.on('error', (error) => {
      this.fault = troubleOf(error, this.watched.size, budget.limits);
      this.askForScan();
      this.forgetFaultLater();
    });
    budget.join(this);
  }

  add(directories: readonly Buffer[]): void {
    const texts: string[] = [];
    for (const directory of directories) {
      const path = Buffer.concat([this.root, ...(directory.length === 0 ? [] : [SLASH, directory])]);
      const text = path.toString('utf8');
      // chokidar speaks text only. Below a name that is no valid UTF-8 the scanner finds what comes.
      if (Buffer.from(text, 'utf8').equals(path)) {
        texts.push(text);
      }
    }
    this.watchThese(texts);
  }

  mayHaveMissed(): void {
    this.askForScan();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    clearTimeout(this.calm);
    clearTimeout(this.again);
    this.budget.leave(this);
    this.budget.giveBack(this.watched.size);
    this.watched.clear();
    await this.watcher.close();
  }

  private watchThese(paths: readonly string[]): void {
    const fresh: string[] = [];
    for (const path of paths) {
      if (this.watched.has(path)) {
        // It went away and came back before anybody noticed.
        this.watcher.unwatch(path);
      } else if (this.budget.room === 0) {
        this.unwatched.add(path);
        continue;
      } else {
        this.watched.add(path);
        this.budget.take();
      }
      fresh.push(path);
    }
    if (fresh.length > 0) {
      this.watcher.add(fresh);
    }
    if (this.unwatched.count > 0) {
      this.flushSoon();
    }
    if (this.unwatched.hasNames) {
      this.again ??= setTimeout(() => void this.tryAgain(), AGAIN_MS).unref();
    }
  }

  /** Room comes back when directories are removed, or when another source is watched no more. */
  private async tryAgain(): Promise<void> {
    const paths = await this.unwatched.takeOut(Math.min(MOST_AGAIN, this.budget.room || LOOKS_WITHOUT_ROOM));
    this.again = undefined;
    if (!this.isClosed) {
      this.watchThese(paths);
      this.flushSoon();
    }
  }

  private troubleNow(): WatchTrouble | null {
    const { budget } = this;
    if (this.unwatched.count === 0) {
      return this.fault;
    }
    const needed = budget.used + this.unwatched.count;
    return budget.allowed < MOST_WATCHED
      ? tooManyDirectories(needed, budget.allowed, budget.limits)
      : tooManyForStation(needed, MOST_WATCHED);
  }

  /** An error that does not come again was none of a limit; that of a limit stays while directories go unwatched. */
  private forgetFaultLater(): void {
    clearTimeout(this.calm);
    this.calm = setTimeout(() => {
      this.fault = null;
      this.flushSoon();
    }, CALM_MS).unref();
  }

  private forget(path: string): void {
    if (this.watched.delete(path)) {
      this.budget.giveBack(1);
    }
  }

  private note(name: string | null | undefined, directory: string | undefined): void {
    this.budget.noteEvent();
    if (directory === undefined) {
      this.askForScan();
      return;
    }
    const parent = Buffer.from(directory);
    // A name that is not valid UTF-8 reaches an event damaged.
    if (name === null || name === undefined || name.includes('\ufffd')) {
      this.askToList(parent);
      return;
    }
    const path = Buffer.concat([parent, SLASH, Buffer.from(name)]);
    if (nameOf(parent).equals(Buffer.from(name)) && !this.watched.has(path.toString())) {
      // An event of the directory itself carries its own name.
      this.askToList(parent);
    }
    this.keep(this.paths, path);
  }

  private askToList(directory: Buffer): void {
    this.keep(this.directories, directory);
  }

  private keep(kept: Map<string, Buffer>, path: Buffer): void {
    if (kept.size >= MOST_PATHS) {
      this.wantsScan = true;
    } else {
      kept.set(path.toString('latin1'), path);
    }
    this.flushSoon();
  }

  private askForScan(): void {
    this.wantsScan = true;
    this.flushSoon();
  }

  private flushSoon(): void {
    this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  private flush(): void {
    this.timer = undefined;
    this.tell({
      watch: this.id,
      paths: [...this.paths.values()].map((path) => relativeTo(path, this.root)),
      directories: [...this.directories.values()].map((path) => relativeTo(path, this.root)),
      wantsScan: this.wantsScan,
      trouble: this.troubleNow(),
    });
    this.paths.clear();
    this.directories.clear();
    this.wantsScan = false;
  }
}

const SLASH = Buffer.from('/');
