import { type FSWatcher, watch } from 'chokidar';
import { relative } from 'node:path';

/** More hints than this at once say only one thing: look at the whole tree. */
const MOST_HINTS = 5000;

export interface Hints {
  /** Paths relative to the root of which an event told. */
  paths: Buffer[];
  /** Something happened that only a full look can tell. */
  wantsScan: boolean;
}

/**
 * Watcher events as hints that make detection fast; the rescan finds whatever they miss. Names that are not valid UTF-8
 * reach an event damaged, so they only ask for a scan.
 */
export class SourceWatch {
  private watcher: FSWatcher | undefined;
  private readonly paths = new Set<string>();
  private wantsScan = false;

  constructor(
    private readonly root: Buffer,
    private readonly onHint: () => void,
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  start(): void {
    const root = this.root.toString('utf8');
    if (this.watcher !== undefined || !Buffer.from(root, 'utf8').equals(this.root)) {
      return;
    }
    this.watcher = watch(root, {
      ignoreInitial: true,
      followSymlinks: false,
      alwaysStat: false,
      ignorePermissionErrors: true,
    });
    this.watcher.on('add', (path) => this.note(root, path));
    this.watcher.on('change', (path) => this.note(root, path));
    this.watcher.on('addDir', () => this.askForScan());
    // A name that is no valid UTF-8 has no file under its decoded form, so `add` never comes; only the raw event tells.
    this.watcher.on('raw', (_event, name) => {
      if (name?.includes('\ufffd') === true) {
        this.askForScan();
      }
    });
    this.watcher.on('error', (error) => {
      this.askForScan();
      this.onTrouble(error);
    });
  }

  takeHints(): Hints {
    const hints = { paths: [...this.paths].map((path) => Buffer.from(path, 'utf8')), wantsScan: this.wantsScan };
    this.paths.clear();
    this.wantsScan = false;
    return hints;
  }

  async stop(): Promise<void> {
    const watcher = this.watcher;
    this.watcher = undefined;
    await watcher?.close();
  }

  private note(root: string, path: string): void {
    const relativePath = relative(root, path);
    if (relativePath === '' || relativePath.includes('\ufffd') || this.paths.size >= MOST_HINTS) {
      this.askForScan();
      return;
    }
    this.paths.add(relativePath);
    this.onHint();
  }

  private askForScan(): void {
    this.wantsScan = true;
    this.onHint();
  }
}
