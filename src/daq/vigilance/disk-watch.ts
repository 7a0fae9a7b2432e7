import type { NewAlarm } from '../../platform/alarms/index.js';
import type { DiskSpaceProbe } from './disk-space.js';
import { Trend } from './trend.js';
import type { Watch } from './watch.js';
import { inBytes, inTime } from './words.js';

/** A directory whose disk is watched. */
export interface WatchedDirectory {
  path: Uint8Array;
  /** What stops when it is full, as a subject: `the storage area`, `the source of …`. */
  what: string;
  /** What of it cannot be used, in bytes. */
  reserveBytes: number;
  /** What a person can do. */
  action: string;
}

export interface DiskForecast {
  freeBytes: number;
  /** At the present pace; null when it is not filling. */
  fullInSeconds: number | null;
}

/** Disks that will be full soon, by how fast their free space has shrunk lately. */
export class DiskWatch implements Watch {
  readonly prefix = 'storage.disk-filling:';
  private readonly trends = new Map<string, Trend>();
  /** Disks that had room: what never had any, such as a read-only source, is not full. */
  private readonly hadRoom = new Set<string>();

  constructor(
    private readonly probe: Pick<DiskSpaceProbe, 'ask'>,
    private readonly directories: () => Promise<readonly WatchedDirectory[]>,
    private readonly limits: { fullWithinSeconds: number; paceSeconds: number },
  ) {}

  async look(nowMs: number): Promise<NewAlarm[]> {
    const directories = await this.directories();
    const answers = await Promise.all(
      directories.map(async (directory) => ({ directory, space: await this.probe.ask(directory.path) })),
    );
    const byMount = Map.groupBy(
      answers.filter(({ space }) => space !== undefined),
      ({ space }) => space?.mount ?? '',
    );
    const alarms: NewAlarm[] = [];
    for (const [mount, group] of byMount) {
      const freeBytes = group[0]?.space?.freeBytes ?? 0;
      const trend = this.trends.get(mount) ?? new Trend(this.limits.paceSeconds * 1000);
      this.trends.set(mount, trend);
      trend.add(nowMs, freeBytes);
      const reserve = Math.max(...group.map(({ directory }) => directory.reserveBytes));
      if (freeBytes > 0) {
        this.hadRoom.add(mount);
      }
      if (!this.hadRoom.has(mount) && reserve === 0) {
        continue;
      }
      const forecast = forecastOf(trend, freeBytes, reserve);
      if (forecast.fullInSeconds !== null && forecast.fullInSeconds <= this.limits.fullWithinSeconds) {
        alarms.push(
          this.alarm(
            mount,
            forecast,
            group.map(({ directory }) => directory),
          ),
        );
      }
    }
    for (const mount of this.trends.keys()) {
      if (!byMount.has(mount)) {
        this.trends.delete(mount);
      }
    }
    return alarms;
  }

  private alarm(mount: string, forecast: DiskForecast, directories: readonly WatchedDirectory[]): NewAlarm {
    const what = directories.map((directory) => directory.what).join(' and ');
    const when =
      forecast.fullInSeconds === 0 ? 'is full' : `will be full in about ${inTime(forecast.fullInSeconds ?? 0)}`;
    return {
      key: `${this.prefix}${mount}`,
      severity: (forecast.fullInSeconds ?? 0) < this.limits.fullWithinSeconds / 4 ? 'critical' : 'warning',
      message: `The disk ${mount} with ${what} ${when} at its present pace: ${inBytes(forecast.freeBytes)} are free.`,
      action: [...new Set(directories.map((directory) => directory.action))].join(' '),
      details: { mount, ...forecast },
    };
  }
}

function forecastOf(trend: Trend, freeBytes: number, reserveBytes: number): DiskForecast {
  const usable = Math.max(0, freeBytes - reserveBytes);
  if (usable === 0) {
    return { freeBytes, fullInSeconds: 0 };
  }
  // A short moment says nothing: an extraction or a copy fills any disk "within the hour" while it lasts.
  const isFilling = trend.isFull && trend.isFalling;
  return { freeBytes, fullInSeconds: isFilling ? usable / -trend.perSecond : null };
}
