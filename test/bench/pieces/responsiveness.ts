import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from './statistics.ts';
import type { BenchStation } from './station.ts';

/** Ten requests a second: enough for a p99 over a few runs, too few to slow down what they look at. */
const PROBE_EVERY_MS = 100;

export interface Responsiveness {
  /** Of the station's main thread, in ms; its clock ticks every 10 ms, which the figures include. */
  loopDelayP99Ms: number;
  loopDelayMaxMs: number;
  /** Time of each small API request made meanwhile, in ms. */
  requestsMs: number[];
}

/** Watches how the station answers others while it works. */
export class ResponsivenessWatch {
  private readonly station: BenchStation;
  private readonly path: string;
  private readonly requestsMs: number[] = [];
  private readonly stopping = new AbortController();
  private probing: Promise<void> = Promise.resolve();

  private constructor(station: BenchStation, path: string) {
    this.station = station;
    this.path = path;
  }

  /** `path`: what is asked for again and again; something that a person would look at. */
  static async start(station: BenchStation, path: string): Promise<ResponsivenessWatch> {
    const watch = new ResponsivenessWatch(station, path);
    await station.text('/metrics'); // a scrape begins a new span of the delay's histogram
    watch.probing = watch.probe();
    return watch;
  }

  async end(): Promise<Responsiveness> {
    const metrics = await this.station.text('/metrics');
    this.stopping.abort();
    await this.probing;
    return {
      loopDelayP99Ms: 1000 * metric(metrics, 'dm_nodejs_eventloop_lag_p99_seconds'),
      loopDelayMaxMs: 1000 * metric(metrics, 'dm_nodejs_eventloop_lag_max_seconds'),
      requestsMs: this.requestsMs,
    };
  }

  private async probe(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const startedAt = performance.now();
      await this.station.get(this.path);
      this.requestsMs.push(performance.now() - startedAt);
      await pause(PROBE_EVERY_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }
}

/** NaN where the station does not expose it. */
function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
}

/** One figure over several runs: the middle of their p99, the worst maximum, all requests together. */
export function summarize(runs: readonly Responsiveness[]): Record<string, number> {
  const requests = runs.flatMap((run) => run.requestsMs);
  return {
    LoopDelayP99Ms: percentile(
      runs.map((run) => run.loopDelayP99Ms),
      0.5,
    ),
    LoopDelayMaxMs: Math.max(...runs.map((run) => run.loopDelayMaxMs)),
    ApiP50Ms: percentile(requests, 0.5),
    ApiP99Ms: percentile(requests, 0.99),
  };
}
