import { type FSWatcher, watch } from 'chokidar';
import { nameOf, relativeTo } from '../../kernel/path-bytes.js';
import type { WatchTrouble } from './source-tree.port.js';
import type { WatchNews } from './watch-protocol.js';
import { tooManyDirectories, tooManyForStation, troubleOf, watchesAllowed, type WatchLimits } from './watch-limits.js';

/** Directories watched in all: each costs about 3 KB here and 1 KB in the kernel. */
const MOST_WATCHED = 16_384;
/** More events than this within one flush may mean that the kernel's queue ran over, which Node does not tell. */
const MOST_EVENTS = 5000;
const MOST_PATHS = 5000;
const FLUSH_MS = 25;
/** An error is over when it has not come again for this long. */
const CALM_MS = 60_000;

/** Watches of all sources, which share the limits of the account. */
export class WatchBudget {
  used = 0;
  constructor(readonly limits: WatchLimits) {}

  get allowed(): number {
    return Math.min(MOST_WATCHED, watchesAllowed(this.limits));
  }

  get mostEvents(): number {
    return Math.min(MOST_EVENTS, this.limits.maxQueuedEvents / 2);
  }
}

/**
 * Watches the directories of one tree, never its files, and tells which names an event was about. chokidar adds and
 * keeps the watches; what it would find out about each file is left to the scanner: `ignored` turns every path away that
 * is no watched directory before it is looked at, and the raw events carry the names.
 */
export class DirectoryWatch {
  private readonly watcher: FSWatcher;
  private readonly watched = new Set<string>();
  private refused = 0;
  private calm: NodeJS.Timeout | undefined;
  private readonly paths = new Map<string, Buffer>();
  private readonly directories = new Map<string, Buffer>();
  private wantsScan = false;
  private trouble: WatchTrouble | null = null;
  private events = 0;
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
      this.trouble = troubleOf(error, this.watched.size, budget.limits);
      this.askForScan();
      this.forgetTroubleLater();
    });
  }

  add(directories: readonly Buffer[]): void {
    const fresh: string[] = [];
    for (const directory of directories) {
      const path = Buffer.concat([this.root, ...(directory.length === 0 ? [] : [SLASH, directory])]);
      const text = path.toString('utf8');
      // chokidar speaks text only. Below a name that is no valid UTF-8 the scanner finds what comes.
      if (!Buffer.from(text, 'utf8').equals(path)) {
        continue;
      }
      if (this.budget.used >= this.budget.allowed) {
        this.refused += 1;
        continue;
      }
      if (this.watched.has(text)) {
        // It went away and came back before anybody noticed.
        this.watcher.unwatch(text);
      } else {
        this.watched.add(text);
        this.budget.used += 1;
      }
      fresh.push(text);
    }
    this.sayRefusals();
    if (fresh.length > 0) {
      this.watcher.add(fresh);
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    clearTimeout(this.calm);
    this.budget.used -= this.watched.size;
    this.watched.clear();
    await this.watcher.close();
  }

  private sayRefusals(): void {
    const { budget, refused } = this;
    if (refused === 0) {
      return;
    }
    const needed = budget.used + refused;
    this.trouble =
      budget.allowed < MOST_WATCHED
        ? tooManyDirectories(needed, budget.allowed, budget.limits)
        : tooManyForStation(needed, MOST_WATCHED);
    this.flushSoon();
  }

  /** An error that does not come again was none of a limit; that of a limit stays while directories go unwatched. */
  private forgetTroubleLater(): void {
    clearTimeout(this.calm);
    this.calm = setTimeout(() => {
      this.trouble = null;
      this.sayRefusals();
      this.flushSoon();
    }, CALM_MS).unref();
  }

  private forget(path: string): void {
    if (this.watched.delete(path)) {
      this.budget.used -= 1;
    }
  }

  private note(name: string | null | undefined, directory: string | undefined): void {
    this.events += 1;
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
      wantsScan: this.wantsScan || this.events > this.budget.mostEvents,
      trouble: this.trouble,
    });
    this.paths.clear();
    this.directories.clear();
    this.wantsScan = false;
    this.events = 0;
  }
}

const SLASH = Buffer.from('/');
