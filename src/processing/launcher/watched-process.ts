import type { ChildProcess } from 'node:child_process';
import { StationError } from '../../kernel/errors.js';
import type { AttemptDirectory } from './attempt-directory.js';
import type { ProcessLimits, ProcessOutcome, RunningProcess } from './launcher.port.js';
import { groupExists, groupMembers, processEntry, signal } from './process-table.js';
import { ATTEMPT_VARIABLE } from './stage-wrapper.js';

/** How often an adopted process is looked at, output is cut to size and the time limit is checked. */
const TICK_MS = 200;
const STOP_POLL_MS = 25;
/** After KILL a process goes at once, unless it hangs in the kernel (a dead network mount). */
const KILL_WAIT_MS = 10_000;

export interface ProcessIdentity {
  pid: number;
  /** Unknown for a moment after the launch; then the process is our child and its pid cannot be reused. */
  startTicks?: string;
}

/** A process group of this machine, started by this station or by the one before it. */
export class WatchedProcess implements RunningProcess {
  private readonly outcome: Promise<ProcessOutcome>;
  private settle: (outcome: ProcessOutcome) => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;
  private intent: 'stopped' | 'time-limit' | undefined;
  private stopping: Promise<void> | undefined;
  private isTruncated = false;
  private isReleased = false;

  constructor(
    private readonly directory: AttemptDirectory,
    private readonly identity: ProcessIdentity,
    private readonly limits: ProcessLimits,
    private readonly startedAt: Date,
    private readonly child?: ChildProcess,
  ) {
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  watch(): this {
    this.scheduleTick();
    if (this.child !== undefined && (this.child.exitCode !== null || this.child.signalCode !== null)) {
      void this.ended();
    } else {
      this.child?.once('exit', () => void this.ended());
    }
    return this;
  }

  finished(signal?: AbortSignal): Promise<ProcessOutcome> {
    if (signal === undefined) {
      return this.outcome;
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason as Error);
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      void this.outcome.then((outcome) => {
        signal.removeEventListener('abort', onAbort);
        resolve(outcome);
      });
    });
  }

  async stop(): Promise<void> {
    await this.end('stopped');
  }

  release(): void {
    this.isReleased = true;
    clearTimeout(this.timer);
    this.child?.removeAllListeners('exit');
    this.child?.unref();
  }

  private scheduleTick(): void {
    if (!this.isReleased) {
      this.timer = setTimeout(() => void this.tick(), TICK_MS);
    }
  }

  private async tick(): Promise<void> {
    try {
      this.isTruncated = (await this.directory.boundOutput(this.limits.maxOutputBytes)) || this.isTruncated;
      if (this.child === undefined && !(await this.isAlive())) {
        await this.ended();
        return;
      }
      if (this.intent === undefined && Date.now() - this.startedAt.getTime() > this.limits.timeSeconds * 1000) {
        void this.end('time-limit').catch(() => undefined);
      }
    } catch {
      // A full disk or a vanished directory shows in the outcome; watching goes on.
    }
    this.scheduleTick();
  }

  private async isAlive(): Promise<boolean> {
    const entry = await processEntry(this.identity.pid);
    return (
      entry !== undefined && (this.identity.startTicks === undefined || entry.startTicks === this.identity.startTicks)
    );
  }

  private async ended(): Promise<void> {
    clearTimeout(this.timer);
    if (this.isReleased) {
      return;
    }
    this.isReleased = true;
    if (groupExists(this.identity.pid)) {
      // What a command leaves running in its group ends with it. A service that is meant to stay starts its own session.
      await (this.stopping ?? this.killMembers()).catch(() => undefined);
    }
    this.settle(await this.readOutcome());
  }

  private async readOutcome(): Promise<ProcessOutcome> {
    const exit = await this.directory.exit().catch(() => undefined);
    const cut = await this.directory.boundOutput(this.limits.maxOutputBytes).catch(() => false);
    return {
      ending: this.intent ?? (exit === undefined ? 'lost' : 'exited'),
      exitStatus: exit?.status ?? null,
      startedAt: this.startedAt,
      // File times come from a coarser clock, and an end is never before its start.
      endedAt: laterOf(exit?.at ?? new Date(), this.startedAt),
      isTruncated: cut || this.isTruncated,
    };
  }

  private async end(intent: 'stopped' | 'time-limit'): Promise<void> {
    this.intent ??= intent;
    this.stopping ??= this.killMembers();
    await this.stopping;
  }

  /** TERM to every member, KILL to those that are left after the grace time, and a look that none is left. */
  private async killMembers(): Promise<void> {
    if (await this.signalUntilGone('SIGTERM', this.limits.stopGraceSeconds * 1000)) {
      return;
    }
    if (!(await this.signalUntilGone('SIGKILL', KILL_WAIT_MS))) {
      throw new StationError(
        'timeout',
        'PROCESS_NOT_STOPPED',
        `Process group ${this.identity.pid} is still there after KILL; it probably hangs in the kernel on a dead mount.`,
        { details: { pid: this.identity.pid } },
      );
    }
  }

  private async signalUntilGone(name: 'SIGTERM' | 'SIGKILL', waitMs: number): Promise<boolean> {
    const deadline = Date.now() + waitMs;
    const signalled = new Set<number>();
    for (;;) {
      const members = await this.members();
      if (members.length === 0) {
        return true;
      }
      // Members may fork while being stopped: newcomers are signalled too, KILL is repeated.
      for (const pid of members.filter((member) => name === 'SIGKILL' || !signalled.has(member))) {
        signal(pid, name);
        signalled.add(pid);
      }
      if (Date.now() >= deadline) {
        return false;
      }
      await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
    }
  }

  private async members(): Promise<number[]> {
    const mark = `${ATTEMPT_VARIABLE}=${this.directory.path}\0`;
    const entry = await processEntry(this.identity.pid);
    const isReused =
      this.identity.startTicks !== undefined && entry !== undefined && entry.startTicks !== this.identity.startTicks;
    // A group keeps its number while it has members, so only a live stranger with that pid means that it is gone.
    return groupMembers(isReused ? -1 : this.identity.pid, Buffer.from(mark).toString('latin1'));
  }
}

function laterOf(a: Date, b: Date): Date {
  return a > b ? a : b;
}
