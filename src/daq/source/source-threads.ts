import { workerUrl } from '../../platform/worker-url.js';
import { SourceThread } from './source-thread.js';
import type { ServedSource, SourceCall, SourceCalls } from './source-thread.protocol.js';

/** Threads that are kept for the next source: some megabytes each. */
const MOST_IDLE = 2;
/** How long a thread that is given back may still be at its last question; a longer one is not waited for. */
const LAST_QUESTION_MS = 1000;

/**
 * Threads that ask sources, one source at a time. Those that are given back serve the next one: a new thread takes a
 * tenth of a second of a core until its code is loaded and compiled, and a beamline starts many short uploads.
 */
export class SourceThreads {
  private readonly idle: SourceThread[] = [];
  private isClosed = false;

  /** `entry`: what the threads run; a spec puts one there that hangs. */
  constructor(private readonly entry: URL = workerUrl(import.meta.url, './source-thread-entry.js')) {}

  /** `limitMs`: how long a single call may take. `onSilence`: one takes longer, and the thread is given up. */
  take(source: ServedSource, limitMs: number, onSilence: () => void): ServedThread {
    const thread = this.idle.splice(0, 1).find(({ isUsable }) => isUsable) ?? new SourceThread(this.entry);
    thread.serve(source, limitMs, onSilence);
    return new ServedThread(thread, () => this.keep(thread));
  }

  /** Whoever still waits for an answer of it gets it, or is told that the source is closed. */
  private keep(thread: SourceThread): void {
    void thread.whenIdle(LAST_QUESTION_MS).then((isIdle) => {
      if (isIdle && !this.isClosed && this.idle.length < MOST_IDLE) {
        this.idle.push(thread);
      } else {
        thread.abandon(new Error('the source is closed'));
      }
    });
  }

  close(): void {
    this.isClosed = true;
    this.idle.splice(0).forEach((thread) => thread.abandon(new Error('the station stops')));
  }
}

/** A thread while it serves one source. Given back it answers nothing any more, whoever still asks: it may serve another. */
export class ServedThread {
  private isOver = false;

  constructor(
    private readonly thread: SourceThread,
    private readonly keep: () => void,
  ) {}

  get isUsable(): boolean {
    return this.thread.isUsable && !this.isOver;
  }

  get isBusy(): boolean {
    return this.thread.isBusy;
  }

  get ended(): Promise<void> {
    return this.thread.ended;
  }

  call<Call extends SourceCall>(kind: Call, ask: SourceCalls[Call]['ask']): Promise<SourceCalls[Call]['answer']> {
    return this.isOver ? Promise.reject(new Error('the source is closed')) : this.thread.call(kind, ask);
  }

  giveBack(): void {
    if (!this.isOver) {
      this.isOver = true;
      this.keep();
    }
  }
}
