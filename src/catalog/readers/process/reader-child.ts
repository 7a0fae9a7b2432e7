import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../../kernel/errors.js';
import { workerUrl } from '../../../platform/worker-url.js';
import type { FromReader, ReaderReply, ReaderRequest } from './messages.js';
import { residentBytes } from './resident-memory.js';

/** How often memory is looked at. A file that takes a GB a second is caught some 50 MB above its limit. */
const LOOK_EVERY_MS = 50;
/** Loading takes a quarter of a second on an idle machine. */
const START_LIMIT_MS = 60_000;

export interface FileLimits {
  timeoutMs: number;
  /** Resident, of the whole process. */
  memoryBytes: number;
}

/** The process ended before it answered. */
export class ReaderEnded extends Error {
  constructor(
    /** `outside`: something else than the file or a limit ended it, as far as can be told. */
    readonly blame: 'time' | 'memory' | 'file' | 'outside' | 'start',
    message: string,
  ) {
    super(message);
  }
}

/** One reader process, from its start to its end. */
export class ReaderChild {
  private readonly child: ChildProcess;
  private readonly ready: Promise<void>;
  private settle: { resolve(reply: ReaderReply): void; reject(error: Error): void } | undefined;
  private endedBy: ReaderEnded | undefined;
  private failStart: (reason: ReaderEnded) => void = () => undefined;
  /** It answers nothing any more, though a process that waits for a dead disk may still be there. */
  isEnded = false;

  /**
   * @param heapMegabytes Limit of its JavaScript heap, beside the one of its whole memory.
   * @param entry What it runs.
   */
  constructor(
    private readonly heapMegabytes: number,
    entry: string = fileURLToPath(workerUrl(import.meta.url, './reader-process-entry.js')),
  ) {
    this.child = fork(entry, {
      // What the station was started with (secrets among it) is no file's business.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', HDF5_USE_FILE_LOCKING: 'FALSE' },
      execArgv: [`--max-old-space-size=${heapMegabytes}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      cwd: '/',
    });
    this.ready = this.started();
    this.ready.catch(() => undefined); // whoever asks first hears of it
    this.holdStation(false);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get residentBytes(): number {
    return this.child.pid === undefined ? 0 : (residentBytes(this.child.pid) ?? 0);
  }

  /** @throws ReaderEnded, after which it is of no use any more. */
  async ask(request: ReaderRequest, limits: FileLimits): Promise<ReaderReply> {
    this.holdStation(true);
    try {
      await this.ready;
      return await this.answered(request, limits);
    } finally {
      this.holdStation(false);
    }
  }

  /** Kills it and gives up what it was asked, without waiting for its end. */
  end(reason = new ReaderEnded('outside', 'The reader was stopped.')): void {
    this.child.kill('SIGKILL');
    this.ended(reason);
  }

  private ended(reason: ReaderEnded): void {
    this.endedBy ??= reason;
    this.isEnded = true;
    this.settle?.reject(this.endedBy);
    this.failStart(this.endedBy);
  }

  private answered(request: ReaderRequest, limits: FileLimits): Promise<ReaderReply> {
    const timer = setTimeout(() => this.end(tookTooLong(limits)), limits.timeoutMs);
    const watch = setInterval(() => {
      if (this.residentBytes > limits.memoryBytes) {
        this.end(tookTooMuch(limits.memoryBytes));
      }
    }, LOOK_EVERY_MS);
    return new Promise<ReaderReply>((resolve, reject) => {
      if (this.isEnded) {
        reject(this.endedBy ?? new ReaderEnded('outside', 'The reader has ended.'));
        return;
      }
      this.settle = { resolve, reject };
      this.child.send(request, (error) => {
        if (error !== null) {
          this.end(new ReaderEnded('outside', messageOf(error)));
        }
      });
    }).finally(() => {
      this.settle = undefined;
      clearTimeout(timer);
      clearInterval(watch);
    });
  }

  private started(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.end(new ReaderEnded('start', `It did not start within ${START_LIMIT_MS / 1000} s.`)),
        START_LIMIT_MS,
      );
      this.child.on('message', (message: FromReader) => {
        if (message.kind === 'ready') {
          clearTimeout(timer);
          resolve();
        } else {
          this.settle?.resolve(message);
        }
      });
      this.failStart = ({ message }) => {
        clearTimeout(timer);
        reject(new ReaderEnded('start', message));
      };
      this.child.once('error', (error) => this.ended(new ReaderEnded('start', messageOf(error))));
      this.child.once('exit', (code, signal) => this.ended(this.reasonOf(code, signal)));
    });
  }

  private reasonOf(code: number | null, signal: NodeJS.Signals | null): ReaderEnded {
    if (signal === 'SIGABRT' || signal === 'SIGTRAP' || code === 134 || code === 133) {
      // Node gives up so when its heap is full.
      return tookTooMuch(this.heapMegabytes * 1_048_576);
    }
    return signal === 'SIGKILL' || signal === 'SIGTERM'
      ? new ReaderEnded('outside', `Its reader was ended from outside (${signal}).`)
      : new ReaderEnded('file', `Its reader ended unexpectedly (${signal ?? `exit code ${code}`}).`);
  }

  /** While nothing is asked the process must not keep the station from ending. */
  private holdStation(isHeld: boolean): void {
    const method = isHeld ? 'ref' : 'unref';
    this.child[method]();
    // Null once the process has ended.
    this.child.channel?.[method]();
  }
}

function tookTooLong({ timeoutMs }: FileLimits): ReaderEnded {
  return new ReaderEnded(
    'time',
    `Reading it took longer than the limit of ${timeoutMs / 1000} s; its reader was ended.`,
  );
}

function tookTooMuch(bytes: number): ReaderEnded {
  const limit = Math.round(bytes / 1_048_576);
  return new ReaderEnded('memory', `Reading it took more memory than the limit of ${limit} MB; its reader was ended.`);
}
