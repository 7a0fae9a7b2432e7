import { hostname } from 'node:os';
import { pathToText } from '../../kernel/path-text.js';
import type { NewAlarm } from '../../platform/alarms/index.js';
import type { DiskSpaceProbe } from './disk-space.js';
import type { Backlog, OpenWork, RunningAcquisition } from './open-work.js';
import { Trend } from './trend.js';
import type { Watch } from './watch.js';
import { inBytes, inTime } from './words.js';

const LOOKS_IN_SPAN = 20;

interface Trends {
  bytes: Trend;
  files: Trend;
}

/** Files come faster than they are brought to storage, all through the span that is looked at. */
export class BacklogWatch implements Watch {
  readonly prefix = 'daq.backlog-grows:';
  private readonly trends = new Map<string, Trends>();
  private lookedAtMs = -Infinity;
  private alarms: NewAlarm[] = [];

  constructor(
    private readonly work: Pick<OpenWork, 'running' | 'backlogs'>,
    private readonly probe: Pick<DiskSpaceProbe, 'ask'>,
    private readonly spanSeconds: number,
    /** Backlogs below this many files are normal: files settle, batches fill. */
    private readonly leastFiles = 100,
  ) {}

  async look(nowMs: number): Promise<NewAlarm[]> {
    // Some looks within the span tell as much as all of them.
    if (nowMs - this.lookedAtMs >= (this.spanSeconds * 1000) / LOOKS_IN_SPAN) {
      this.alarms = await this.lookNow(nowMs);
      this.lookedAtMs = nowMs;
    }
    return this.alarms;
  }

  private async lookNow(nowMs: number): Promise<NewAlarm[]> {
    const [running, backlogs] = await Promise.all([this.work.running(), this.work.backlogs()]);
    const monitors = running.filter(({ kind }) => kind === 'monitor');
    const alarms: NewAlarm[] = [];
    for (const acquisition of monitors) {
      const backlog = backlogs.find((one) => one.acquisitionId === acquisition.id);
      const trends = this.trendsOf(acquisition.id);
      trends.bytes.add(nowMs, backlog?.bytes ?? 0);
      trends.files.add(nowMs, backlog?.files ?? 0);
      if (backlog !== undefined && backlog.files >= this.leastFiles && trends.files.isFull && isGrowing(trends)) {
        alarms.push(await this.alarm(acquisition, backlog, trends));
      }
    }
    for (const id of this.trends.keys()) {
      if (!monitors.some((acquisition) => acquisition.id === id)) {
        this.trends.delete(id);
      }
    }
    return alarms;
  }

  private trendsOf(id: string): Trends {
    const known = this.trends.get(id);
    if (known !== undefined) {
      return known;
    }
    const fresh = { bytes: new Trend(this.spanSeconds * 1000), files: new Trend(this.spanSeconds * 1000) };
    this.trends.set(id, fresh);
    return fresh;
  }

  private async alarm(acquisition: RunningAcquisition, backlog: Backlog, trends: Trends): Promise<NewAlarm> {
    const fullInSeconds = await this.sourceFullIn(acquisition, trends);
    const directory = pathToText(acquisition.sourceDirectory);
    const forecast =
      fullInSeconds === undefined
        ? ''
        : ` At this pace the disk of the source is full in about ${inTime(fullInSeconds)}.`;
    return {
      key: `${this.prefix}${acquisition.id}`,
      severity: fullInSeconds !== undefined && fullInSeconds < 7200 ? 'critical' : 'warning',
      message: `Files come to ${directory} faster than they are brought to storage: over ${inTime(this.spanSeconds)} the backlog has grown by ${Math.round(trends.files.growth)} files (${inBytes(Math.max(0, trends.bytes.growth))}) to ${backlog.files} files (${inBytes(backlog.bytes)}).${forecast}`,
      action:
        'Nothing is lost as long as the source has room. Look whether a plug-in is slow (dm plugin list) or the storage area is; raise storage.workers where cores are idle; pause other uploads; or let the detector write less.',
      experimentId: acquisition.experimentId,
      details: { acquisitionId: acquisition.id, files: backlog.files, bytes: backlog.bytes, fullInSeconds },
    };
  }

  /** If nothing but the backlog fills the source's disk. Undefined where that cannot be said. */
  private async sourceFullIn(acquisition: RunningAcquisition, trends: Trends): Promise<number | undefined> {
    if (acquisition.sourceHost !== hostname() || trends.bytes.perSecond <= 0) {
      return undefined;
    }
    const space = await this.probe.ask(acquisition.sourceDirectory);
    return space === undefined ? undefined : space.freeBytes / trends.bytes.perSecond;
  }
}

function isGrowing({ bytes, files }: Trends): boolean {
  return files.isRising || bytes.isRising;
}
