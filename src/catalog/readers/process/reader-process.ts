import { StationError } from '../../../kernel/errors.js';
import type { ReaderReply, ReaderRequest } from './messages.js';
import { type FileLimits, ReaderChild, ReaderEnded } from './reader-child.js';

export interface ReaderProcessOptions {
  /** Without work for so long the process is ended; the next file starts another. */
  idleMs: number;
  /** Limit of the JavaScript heap; the other limits are a matter of each file. */
  heapMegabytes: number;
  /** Another program than the reader's own. */
  entry?: string;
}

/** A process that holds more of its file's limit than this while it rests is replaced: memory of WebAssembly never shrinks. */
const WORN_SHARE = 0.6;
/** A process that was ended from outside gets another try: the file need not be to blame. */
const MOST_TRIES = 2;

/**
 * Asks the reader process, starting it when there is something to ask. Questions wait for their turn; what ends the process
 * concerns the file that it was reading, and no other.
 */
export class ReaderProcess {
  private child: ReaderChild | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private idleTimer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(private readonly options: ReaderProcessOptions) {}

  /** Its process id while it runs, for those who watch. */
  get pid(): number | undefined {
    return this.child?.isEnded === false ? this.child.pid : undefined;
  }

  /**
   * @throws the reason of `signal`; ReaderEnded with the sentence for the complaint; StationError READERS_UNAVAILABLE when no
   *   process can be started.
   */
  ask(request: ReaderRequest, limits: FileLimits, signal?: AbortSignal): Promise<ReaderReply> {
    const turn = this.last.then(() => this.now(request, limits, signal));
    this.last = turn.catch(() => undefined);
    return signal === undefined ? turn : unlessAborted(turn, signal);
  }

  /** Ends the process; what is asked from now on is refused. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.idleTimer);
    this.child?.end();
  }

  private async now(request: ReaderRequest, limits: FileLimits, signal?: AbortSignal): Promise<ReaderReply> {
    clearTimeout(this.idleTimer);
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      if (this.isClosed) {
        throw unavailable('The station is stopping.');
      }
      const child = (this.child = this.usable());
      const stop = () => child.end();
      signal?.addEventListener('abort', stop, { once: true });
      try {
        const reply = await child.ask(request, limits);
        this.rest(child, reply, limits);
        return reply;
      } catch (error) {
        this.child = undefined;
        signal?.throwIfAborted();
        const isStart = error instanceof ReaderEnded && error.blame === 'start';
        const isOutside = error instanceof ReaderEnded && error.blame === 'outside';
        if (this.isClosed || (isStart && attempt >= MOST_TRIES)) {
          throw unavailable(error);
        }
        if (!(isStart || isOutside) || attempt >= MOST_TRIES) {
          throw error;
        }
      } finally {
        signal?.removeEventListener('abort', stop);
      }
    }
  }

  private usable(): ReaderChild {
    if (this.child?.isEnded === false) {
      return this.child;
    }
    try {
      return new ReaderChild(this.options.heapMegabytes, this.options.entry);
    } catch (error) {
      throw unavailable(error);
    }
  }

  private rest(child: ReaderChild, reply: ReaderReply, limits: FileLimits): void {
    const isWorn = reply.kind === 'read' && (reply.isWorn || child.residentBytes > limits.memoryBytes * WORN_SHARE);
    if (isWorn) {
      child.end();
      this.child = undefined;
      return;
    }
    this.idleTimer = setTimeout(() => child.end(), this.options.idleMs);
    this.idleTimer.unref();
  }
}

/** Whoever gives up while others have their turn is told at once. */
async function unlessAborted<T>(turn: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([turn, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export function unavailable(cause: unknown): StationError {
  return new StationError(
    'unavailable',
    'READERS_UNAVAILABLE',
    'No metadata reader can be started just now. Try again in a few seconds.',
    { cause, retryAfterSeconds: 5 },
  );
}
