import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../kernel/errors.js';
import { workerUrl } from '../../platform/worker-url.js';
import { KERNEL_FACTS, type KernelFacts } from './kernel-facts.js';
import type { SourceWatch, WatchHints, WatchTrouble } from './source-tree.port.js';
import { THREAD_HEAP } from './thread-heap.js';
import { WatchBudget } from './watch-budget.js';
import { describeLimits } from './watch-limits.js';
import type { WatchNews, WatchOrder, WatchThreadData } from './watch-protocol.js';

/** More hints than this at once say only one thing: look at the whole tree. */
const MOST_HINTS = 20_000;

/** One tree's watch; directories are added as they are found. */
export interface DirectoriesWatch extends SourceWatch {
  add(directories: readonly Uint8Array[]): void;
}

/** Watches the directories of all local sources in one thread of its own. */
@Injectable()
export class WatchHub implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(WatchHub.name);
  private worker: Worker | undefined;
  private readonly watches = new Map<number, HubWatch>();
  private nextWatch = 1;
  private used = newCounter();

  constructor(@Inject(KERNEL_FACTS) private readonly facts: KernelFacts) {}

  /** How many directories may be watched at a time, and how many are. */
  get budget(): Pick<WatchBudget, 'allowed' | 'used'> {
    return new WatchBudget(this.facts.watchLimits, new Int32Array(this.used));
  }

  /** Said once, before anybody waits for files that are found late. */
  onApplicationBootstrap(): void {
    const { message, action } = describeLimits(this.facts.watchLimits, this.budget.allowed);
    if (action === null) {
      this.logger.log(message);
    } else {
      this.logger.warn(`${message}. ${action}`);
    }
  }

  watch(root: Buffer, onHint: () => void): DirectoriesWatch {
    const id = this.nextWatch++;
    const watch = new HubWatch(
      id,
      (order) => this.send(order),
      onHint,
      () => this.watches.delete(id),
    );
    this.watches.set(id, watch);
    this.send({ kind: 'open', watch: id, root });
    return watch;
  }

  async onApplicationShutdown(): Promise<void> {
    const worker = this.worker;
    this.worker = undefined;
    await worker?.terminate();
  }

  private send(order: WatchOrder): void {
    this.worker ??= this.startWorker();
    this.worker.postMessage(order);
  }

  private startWorker(): Worker {
    const worker = new Worker(workerUrl(import.meta.url, './watch-thread-entry.js'), {
      name: 'dm-watch',
      resourceLimits: THREAD_HEAP,
      workerData: { limits: this.facts.watchLimits, used: this.used } satisfies WatchThreadData,
    });
    worker.unref();
    worker.on('message', (news: WatchNews) => this.watches.get(news.watch)?.take(news));
    worker.once('error', (error: Error) => {
      this.logger.error(`watching ended: ${messageOf(error)}`);
      this.worker = undefined;
      this.used = newCounter();
      this.watches.forEach((watch) => watch.fail(messageOf(error)));
    });
    return worker;
  }
}

/** A thread that ended watches nothing any more, so each begins with one of its own. */
function newCounter(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

class HubWatch implements DirectoriesWatch {
  private paths: Buffer[] = [];
  private directories: Buffer[] = [];
  private wantsScan = false;
  private found: WatchTrouble | null = null;

  constructor(
    private readonly id: number,
    private readonly send: (order: WatchOrder) => void,
    private readonly onHint: () => void,
    private readonly onClose: () => void,
  ) {}

  add(directories: readonly Uint8Array[]): void {
    if (directories.length > 0) {
      this.send({ kind: 'add', watch: this.id, directories: [...directories] });
    }
  }

  takeHints(): WatchHints {
    const { paths, directories, wantsScan } = this;
    this.paths = [];
    this.directories = [];
    this.wantsScan = false;
    return { paths, directories, wantsScan };
  }

  trouble(): WatchTrouble | null {
    return this.found;
  }

  close(): Promise<void> {
    this.onClose();
    this.send({ kind: 'close', watch: this.id });
    return Promise.resolve();
  }

  take(news: WatchNews): void {
    this.found = news.trouble;
    if (this.paths.length + news.paths.length + this.directories.length + news.directories.length > MOST_HINTS) {
      this.wantsScan = true;
    } else {
      this.paths.push(...news.paths.map((path) => Buffer.from(path)));
      this.directories.push(...news.directories.map((path) => Buffer.from(path)));
      this.wantsScan ||= news.wantsScan;
    }
    this.onHint();
  }

  fail(message: string): void {
    this.found = {
      kind: 'other',
      message: `watching has stopped: ${message}`,
      action: 'The rescan finds every file. Start the station again at leisure, and report this.',
    };
    this.wantsScan = true;
    this.onHint();
  }
}
