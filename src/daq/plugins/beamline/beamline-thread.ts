import { Worker } from 'node:worker_threads';
import { messageOf } from '../../../kernel/errors.js';
import { workerUrl } from '../../../platform/worker-url.js';
import type { BatchFileAnswer, BeamlineFile } from '../../../../config/examples/plugins/dm-plugin.js';
import type { FromThread, ThreadStart, ToThread } from './thread-messages.js';

/** A thread that does not answer a ping for so long is blocked, and is ended. */
const PING_LIMIT_MS = 2000;
/** Calls that nobody waits for any more may keep memory for ever: after so many the thread is replaced. */
const MOST_ABANDONED = 20;

/** The thread ended in the middle of the call, whichever of its calls was to blame. */
export class ThreadEnded extends Error {
  constructor(
    reason: string,
    /** Other calls were under way, any of which may have been it. */
    readonly hadCompany: boolean,
  ) {
    super(reason);
  }
}

export interface ThreadFacts {
  name: string;
  order: number;
  form: 'file' | 'batch';
}

interface Waiting {
  resolve(answers: BatchFileAnswer[]): void;
  reject(error: Error): void;
}

/**
 * One plug-in of the beamline in a thread of its own: an endless loop, an error thrown outside its promise, an exit or a
 * heap that grows without bound end that thread, never the station. It is a thread and not a process because it then
 * ends with the station, whatever ends that; code outside JavaScript (native add-ons) is not contained.
 */
export class BeamlineThread {
  private worker: Worker | undefined;
  private isClosed = false;
  private nextCall = 1;
  private abandoned = 0;
  private pingTimer: NodeJS.Timeout | undefined;
  private readonly waiting = new Map<number, Waiting>();
  /** Calls whose time is over, with what to say of them if the thread turns out not to be blocked. */
  private readonly overdue = new Map<number, unknown>();

  constructor(
    private readonly module: string,
    private readonly memoryMegabytes: number,
  ) {}

  /** Starts it; answers what it says of itself. @throws Error that says why it cannot be used. */
  open(limitMs: number): Promise<ThreadFacts> {
    return new Promise((resolve, reject) => {
      const worker = this.startWorker();
      const limit = setTimeout(() => {
        reject(new Error(`it did not finish loading within ${limitMs / 1000} s`));
        void this.close();
      }, limitMs);
      worker.once('message', (message: FromThread) => {
        clearTimeout(limit);
        if (message.kind === 'ready') {
          resolve(message);
          return;
        }
        reject(new Error(message.kind === 'unusable' ? message.reason : 'it answered before it was asked'));
        void this.close();
      });
      worker.once('error', (error) => {
        clearTimeout(limit);
        reject(error instanceof Error ? error : new Error(String(error)));
      });
      worker.once('exit', () => {
        clearTimeout(limit);
        reject(new Error('it ended while it was loaded'));
      });
    });
  }

  /** @throws ThreadEnded, or an Error with what the plug-in threw. */
  call(files: BeamlineFile[], options: Record<string, unknown>, signal: AbortSignal): Promise<BatchFileAnswer[]> {
    if (this.isClosed) {
      return Promise.reject(new ThreadEnded('the station is stopping', true));
    }
    const call = this.nextCall++;
    return new Promise((resolve, reject) => {
      this.waiting.set(call, { resolve, reject });
      signal.addEventListener('abort', () => this.findOutAbout(call, signal.reason), { once: true });
      this.send({ kind: 'call', call, files, options });
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.end('the station is stopping');
  }

  /**
   * The time of a call is over. A thread that answers a ping is merely waiting with it; one that does not is blocked by
   * one of its calls, which need not be this one.
   */
  private findOutAbout(call: number, reason: unknown): void {
    if (!this.waiting.has(call)) {
      return;
    }
    this.overdue.set(call, reason);
    this.send({ kind: 'abort', call });
    this.pingTimer ??= setTimeout(() => void this.end('it blocked its thread, which was ended'), PING_LIMIT_MS);
    this.send({ kind: 'ping' });
  }

  private notBlocked(): void {
    clearTimeout(this.pingTimer);
    this.pingTimer = undefined;
    for (const [call, reason] of this.overdue) {
      const waiting = this.take(call);
      if (waiting !== undefined) {
        this.abandoned += 1;
        waiting.reject(reason instanceof Error ? reason : new Error(String(reason)));
      }
    }
    this.overdue.clear();
  }

  private send(message: ToThread): void {
    (this.worker ?? this.startWorker()).postMessage(message);
  }

  private startWorker(): Worker {
    const worker = new Worker(workerUrl(import.meta.url, './beamline-thread-entry.js'), {
      name: 'dm-plugin',
      workerData: { module: this.module } satisfies ThreadStart,
      // What the station was started with (secrets among it) is not the plug-in's business.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' },
      resourceLimits: { maxOldGenerationSizeMb: this.memoryMegabytes },
    });
    worker.unref();
    worker.on('message', (message: FromThread) => this.receive(message));
    worker.on('error', (error) => {
      if (this.worker === worker) {
        this.ended(messageOf(error));
      }
    });
    worker.on('exit', () => {
      if (this.worker === worker) {
        this.ended('the plug-in ended its thread');
      }
    });
    this.worker = worker;
    this.abandoned = 0;
    return worker;
  }

  private receive(message: FromThread): void {
    switch (message.kind) {
      case 'pong':
        this.notBlocked();
        break;
      case 'answered':
        this.take(message.call)?.resolve(message.answers);
        break;
      case 'threw':
        this.take(message.call)?.reject(new Error(message.message));
        break;
      case 'unusable':
        // It was usable when the station started: its file has been changed since.
        void this.end(message.reason);
        break;
      case 'ready':
        break;
    }
    if (this.abandoned >= MOST_ABANDONED && this.waiting.size === 0) {
      void this.end('replaced');
    }
  }

  private take(call: number): Waiting | undefined {
    const waiting = this.waiting.get(call);
    this.waiting.delete(call);
    return waiting;
  }

  private async end(reason: string): Promise<void> {
    const { worker } = this;
    this.ended(reason);
    await worker?.terminate();
  }

  private ended(reason: string): void {
    this.worker = undefined;
    clearTimeout(this.pingTimer);
    this.pingTimer = undefined;
    const calls = [...this.waiting.values()];
    const hadCompany = calls.length + this.abandoned > 1;
    this.waiting.clear();
    this.overdue.clear();
    calls.forEach((call) => call.reject(new ThreadEnded(reason, hadCompany)));
  }
}
