import { Worker } from 'node:worker_threads';
import { StationError } from '../../kernel/errors.js';
import type { ServedSource, SourceCall, SourceCalls, SourceReply, SourceThreadData } from './source-thread.protocol.js';
import { THREAD_HEAP } from './thread-heap.js';

/** How often it is looked whether the file system still answers. */
const CHECK_MS = 500;

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/**
 * A thread that asks one source at a time. While questions wait, it is watched: every answer of the file system moves a counter,
 * and one that stands still for the time limit means that a single call hangs.
 */
export class SourceThread {
  private readonly worker: Worker;
  private readonly beats: Int32Array;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private timer: NodeJS.Timeout | undefined;
  private lastBeat = 0;
  private lastBeatAt = 0;
  private fault: Error | undefined;
  private limitMs = Infinity;
  private onSilence: () => void = () => undefined;
  private whenAnswered: (() => void) | undefined;
  /** Settles when the thread is really gone; a call that hangs in the kernel holds it until then. */
  readonly ended: Promise<void>;

  constructor(entry: URL) {
    const beats = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.beats = new Int32Array(beats);
    this.worker = new Worker(entry, {
      name: 'dm-source',
      resourceLimits: THREAD_HEAP,
      workerData: { beats } satisfies SourceThreadData,
    });
    this.worker.unref();
    this.worker.on('message', (reply: SourceReply) => this.take(reply));
    this.worker.once('error', (error: Error) => this.fail(error));
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', () => {
        this.fail(new Error('the thread of the source has ended'));
        resolve();
      });
    });
  }

  get isUsable(): boolean {
    return this.fault === undefined;
  }

  get isBusy(): boolean {
    return this.waiting.size > 0;
  }

  /** All questions from now on are about this source; what was asked before may still be answered. */
  serve(source: ServedSource, limitMs: number, onSilence: () => void): void {
    this.limitMs = limitMs;
    this.onSilence = onSilence;
    this.call('serve', { source }).catch(() => undefined);
  }

  /** Answers whether it can be used and nobody waits for an answer, at once or within the time. */
  async whenIdle(withinMs: number): Promise<boolean> {
    if (this.isBusy) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs).unref();
        this.whenAnswered = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.whenAnswered = undefined;
    }
    return this.isUsable && !this.isBusy;
  }

  call<Call extends SourceCall>(kind: Call, ask: SourceCalls[Call]['ask']): Promise<SourceCalls[Call]['answer']> {
    if (this.fault !== undefined) {
      return Promise.reject(this.fault);
    }
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      if (this.waiting.size === 0) {
        this.beginWatch();
      }
      this.waiting.set(id, { resolve: resolve, reject });
      this.worker.postMessage({ id, kind, ...ask });
    });
  }

  /** Ends the thread; whoever waits is told. Does not wait: a thread that hangs ends when its call comes back. */
  abandon(reason: Error): void {
    this.fail(reason);
    void this.worker.terminate();
  }

  private take(reply: SourceReply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (this.waiting.size === 0) {
      clearInterval(this.timer);
      this.whenAnswered?.();
    }
    if ('error' in reply) {
      waiting?.reject(new Error(reply.error));
    } else {
      waiting?.resolve(reply.answer);
    }
  }

  private beginWatch(): void {
    clearInterval(this.timer);
    this.lastBeat = Atomics.load(this.beats, 0);
    this.lastBeatAt = performance.now();
    this.timer = setInterval(() => this.check(), CHECK_MS);
    this.timer.unref();
  }

  private check(): void {
    const beat = Atomics.load(this.beats, 0);
    if (beat !== this.lastBeat) {
      this.lastBeat = beat;
      this.lastBeatAt = performance.now();
    } else if (performance.now() - this.lastBeatAt >= this.limitMs) {
      this.onSilence();
      this.abandon(noAnswer(this.limitMs));
    }
  }

  private fail(fault: Error): void {
    this.fault ??= fault;
    clearInterval(this.timer);
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    waiting.forEach((one) => one.reject(fault));
    this.whenAnswered?.();
  }
}

export function noAnswer(limitMs: number): StationError {
  return new StationError(
    'unavailable',
    'SOURCE_NO_ANSWER',
    `The file system of the source does not answer for ${limitMs / 1000} s. Check the mount and its server; the station goes on by itself when it answers.`,
  );
}

export function isNoAnswer(error: unknown): error is StationError {
  return error instanceof StationError && error.code === 'SOURCE_NO_ANSWER';
}
