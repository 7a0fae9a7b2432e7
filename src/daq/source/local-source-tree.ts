import type { AllowedPlaces } from './local-presence.js';
import { unpackScan } from './scan-messages.js';
import type {
  Look,
  Presence,
  Removal,
  ScanBatch,
  ScanRequest,
  SourceIdentity,
  SourceLocation,
  SourceTree,
  SourceTreeProperties,
  SourceWatch,
} from './source-tree.port.js';
import { isNoAnswer, noAnswer } from './source-thread.js';
import type { ServedThread, SourceThreads } from './source-threads.js';
import type { DirectoriesWatch, WatchHub } from './watch-hub.js';

const BATCH_SIZE = 1000;
/** Threads of one source that hang at a time; while there are so many, no other one is tried. */
const MOST_HANGING = 2;

export interface LocalSourceOptions {
  places: AllowedPlaces;
  /** How long a single call to the file system may take before the source counts as lost, in ms. */
  limitMs: number;
  hub: WatchHub;
  /** The file that lists what is mounted, as /proc/self/mountinfo. */
  mountInfo: string;
  threads: SourceThreads;
}

/** A directory on the station's machine, mounted ones included. Everything happens in a thread of its own. */
export class LocalSourceTree implements SourceTree {
  readonly properties: SourceTreeProperties = { hasEvents: true };
  private current: ServedThread | undefined;
  private watching: DirectoriesWatch | undefined;
  private hanging = 0;
  private nextScan = 1;
  private isClosed = false;

  constructor(
    readonly location: SourceLocation,
    private readonly options: LocalSourceOptions,
  ) {}

  async presence(knownDevice: string | null): Promise<Presence> {
    try {
      return revived(await this.thread().call('presence', { knownDevice }));
    } catch (error) {
      if (!isNoAnswer(error)) {
        throw error;
      }
      const seconds = this.options.limitMs / 1000;
      return { isThere: false, code: 'no-answer', reason: `it does not answer for ${seconds} s` };
    }
  }

  async *scan(request: ScanRequest): AsyncGenerator<ScanBatch> {
    const thread = this.thread();
    const scan = this.nextScan++;
    let taken = 0;
    const ask = () => {
      const next = thread.call('next', { scan, request, taken });
      next.catch(() => undefined);
      return next;
    };
    try {
      let next = ask();
      for (let packed = await next; packed !== null; packed = await next) {
        const batch = unpackScan(packed);
        this.watching?.add(batch.directories);
        // One batch ahead: the thread walks on while the caller works on the batch before.
        next = request.isSpread === true ? next : ask();
        yield batch;
        taken += 1;
        next = request.isSpread === true ? ask() : next;
      }
    } finally {
      thread.call('close', { scan, taken }).catch(() => undefined);
    }
  }

  async look(relativePaths: readonly Uint8Array[]): Promise<Look[]> {
    return relativePaths.length === 0 ? [] : this.thread().call('look', { paths: [...relativePaths] });
  }

  async read(relativePath: Uint8Array, limit: number): Promise<Buffer | undefined> {
    const bytes = await this.thread().call('read', { path: relativePath, limit });
    return bytes === undefined ? undefined : Buffer.from(bytes);
  }

  clock(): Promise<bigint | undefined> {
    return this.thread().call('clock', {});
  }

  remove(relativePath: Uint8Array, identity: SourceIdentity): Promise<Removal> {
    return this.thread().call('remove', { path: relativePath, identity: plain(identity) });
  }

  async restore(relativePath: Uint8Array, identity: SourceIdentity): Promise<void> {
    await this.thread().call('restore', { path: relativePath, identity: plain(identity) });
  }

  watch(onHint: () => void): SourceWatch | undefined {
    const watching = this.options.hub.watch(this.location.directory, onHint);
    this.watching = watching;
    // So that the passes tell of all directories once more.
    this.thread()
      .call('forget', {})
      .catch(() => undefined);
    return {
      takeHints: () => watching.takeHints(),
      trouble: () => watching.trouble(),
      close: () => {
        this.watching = undefined;
        return watching.close();
      },
    };
  }

  /** Whether a thread of it hangs, whose end nobody can tell. */
  get hangs(): boolean {
    return this.hanging > 0;
  }

  /** Whether somebody waits for an answer. */
  get isBusy(): boolean {
    return this.current?.isBusy ?? false;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.current?.giveBack();
    this.current = undefined;
    return Promise.resolve();
  }

  private thread(): ServedThread {
    if (this.isClosed) {
      throw new Error('the source is closed');
    }
    if (this.current?.isUsable !== true) {
      if (this.hanging >= MOST_HANGING) {
        throw noAnswer(this.options.limitMs);
      }
      this.current = this.startThread();
    }
    return this.current;
  }

  private startThread(): ServedThread {
    const { places, limitMs, mountInfo, threads } = this.options;
    const source = { root: this.location.directory, places, batchSize: BATCH_SIZE, mountInfo };
    const thread: ServedThread = threads.take(source, limitMs, () => {
      this.hanging += 1;
      void thread.ended.then(() => (this.hanging -= 1));
    });
    return thread;
  }
}

/** Messages between threads carry buffers as plain arrays of bytes. */
function revived(presence: Presence): Presence {
  return presence.isThere ? { ...presence, directory: Buffer.from(presence.directory) } : presence;
}

/** What the thread needs of it: a message takes along whatever else an object has. */
function plain({ sizeBytes, mtimeNs, inode }: SourceIdentity): SourceIdentity {
  return { sizeBytes, mtimeNs, inode };
}
