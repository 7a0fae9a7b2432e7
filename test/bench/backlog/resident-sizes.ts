import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { processIdsBelow } from '../pieces/process-usage.ts';

const SAMPLE_MS = 1000;

/** In bytes. */
export interface ResidentSizes {
  /** Of the station with all its threads. */
  station: number;
  /** Of all that it started, which is its database; what they share counts once. */
  database: number;
}

/** Looks each second at what the station and its database hold in memory. */
export class ResidentSampler {
  readonly samples: ResidentSizes[] = [];
  private readonly pid: number;
  private isStopped = false;
  private running: Promise<void> | undefined;

  constructor(pid: number) {
    this.pid = pid;
  }

  start(): void {
    this.running = this.run();
  }

  /** Largest so far. */
  get largest(): ResidentSizes {
    return {
      station: Math.max(0, ...this.samples.map((sample) => sample.station)),
      database: Math.max(0, ...this.samples.map((sample) => sample.database)),
    };
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      this.samples.push(residentSizes(this.pid));
      await pause(SAMPLE_MS);
    }
  }
}

export function residentSizes(pid: number): ResidentSizes {
  const database = processIdsBelow(pid).map(memoryOf);
  return {
    station: sum(Object.values(memoryOf(pid))),
    // Every server process maps the same buffers and the same program.
    database:
      sum(database.map((one) => one.RssAnon)) +
      Math.max(0, ...database.map((one) => one.RssShmem)) +
      Math.max(0, ...database.map((one) => one.RssFile)),
  };
}

function memoryOf(pid: number): Record<'RssAnon' | 'RssFile' | 'RssShmem', number> {
  let text = '';
  try {
    text = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // it ended just now
  }
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { RssAnon: bytes('RssAnon'), RssFile: bytes('RssFile'), RssShmem: bytes('RssShmem') };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
