import { pathToText } from '../../kernel/path-text.js';
import type { NewAlarm } from '../../platform/alarms/index.js';
import type { OpenWork, RunningAcquisition } from './open-work.js';
import type { Watch } from './watch.js';
import { inTime } from './words.js';

/** A running acquisition to which nothing comes any more, though somebody expects it to. */
export class SilenceWatch implements Watch {
  readonly prefix = 'daq.nothing-arrives:';

  constructor(
    private readonly work: Pick<OpenWork, 'running'>,
    /** For monitors that were started without a limit of their own. */
    private readonly defaultSeconds: number | undefined,
  ) {}

  async look(nowMs: number): Promise<NewAlarm[]> {
    const running = await this.work.running();
    return running.flatMap((acquisition) => {
      const limit = this.limitOf(acquisition);
      const since = Math.max(acquisition.startedAt.getTime(), acquisition.lastSeenAt?.getTime() ?? 0);
      return limit !== undefined && nowMs - since > limit * 1000 ? [this.alarm(acquisition, limit, since)] : [];
    });
  }

  private limitOf({ kind, silenceAlarmSeconds }: RunningAcquisition): number | undefined {
    const limit = silenceAlarmSeconds ?? (kind === 'monitor' ? this.defaultSeconds : undefined);
    return limit === 0 ? undefined : limit;
  }

  private alarm(acquisition: RunningAcquisition, limit: number, sinceMs: number): NewAlarm {
    const { id, experimentId, experiment, lastSeenAt } = acquisition;
    const directory = pathToText(acquisition.sourceDirectory);
    const since = new Date(sinceMs).toISOString();
    return {
      key: `${this.prefix}${id}`,
      severity: 'warning',
      message: `No file has come to ${directory} for experiment ${experiment} for over ${inTime(limit)}: ${lastSeenAt === null ? `none since the start at ${since}` : `the last one at ${since}`}.`,
      action:
        'Check that the detector writes, and writes there; that the beam is on; and the include and exclude patterns. If the pause is meant, stop the acquisition or start it with another silenceAlarmSeconds (0: never).',
      experimentId,
      details: { acquisitionId: id, since, limitSeconds: limit },
    };
  }
}
