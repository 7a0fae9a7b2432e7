import { monitorEventLoopDelay } from 'node:perf_hooks';

const TICK_MS = 5;

export interface LoopFacts {
  /** Delays by the clock on the wall, which other programs on the same cores prolong. Milliseconds. */
  delayP99Ms: number;
  delayMaxMs: number;
  /** The longest time for which this thread computed without letting anything else have its turn. */
  busyMaxMs: number;
}

/**
 * Watches the event loop of this thread. On a machine with other work the longest delay says mostly how long the thread did
 * not get a core; what it computed itself between two ticks tells whether it was its own doing.
 */
export class LoopWatch {
  private readonly delay = monitorEventLoopDelay({ resolution: 1 });
  private readonly timer: NodeJS.Timeout;
  private busyMaxMs = 0;
  private lastCpuMs = cpuMs();

  constructor() {
    this.delay.enable();
    this.timer = setInterval(() => this.look(), TICK_MS);
  }

  stop(): LoopFacts {
    clearInterval(this.timer);
    this.delay.disable();
    return {
      delayP99Ms: this.delay.percentile(99) / 1e6,
      delayMaxMs: this.delay.max / 1e6,
      busyMaxMs: this.busyMaxMs,
    };
  }

  private look(): void {
    const now = cpuMs();
    this.busyMaxMs = Math.max(this.busyMaxMs, now - this.lastCpuMs);
    this.lastCpuMs = now;
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
