import type { NewAlarm } from '../../platform/alarms/index.js';
import type { PluginSet } from '../plugins/plugin-set.js';
import type { OpenWork } from './open-work.js';
import type { Watch } from './watch.js';
import { inTime } from './words.js';

/** A copy that is slower than this is taken for one that stands; until then a large file may take its time. */
const SLOWEST_BYTES_PER_SECOND = 10_000_000;

/** Work is due and nothing moves. */
export class StuckWatch implements Watch {
  readonly prefix = 'daq.not-draining';
  private lastSteps = -1;
  private movedAtMs = 0;

  constructor(
    private readonly work: Pick<OpenWork, 'longestWait'>,
    private readonly pulse: Pick<PluginSet, 'steps' | 'bytesInWork'>,
    private readonly limitSeconds: number,
  ) {}

  async look(nowMs: number): Promise<NewAlarm[]> {
    if (this.pulse.steps !== this.lastSteps) {
      this.lastSteps = this.pulse.steps;
      this.movedAtMs = nowMs;
    }
    const waitSeconds = await this.work.longestWait();
    const patience = this.limitSeconds + Number(this.pulse.bytesInWork) / SLOWEST_BYTES_PER_SECOND;
    const standsSeconds = (nowMs - this.movedAtMs) / 1000;
    if (waitSeconds === null || waitSeconds <= this.limitSeconds || standsSeconds <= patience) {
      return [];
    }
    const since = new Date(this.movedAtMs).toISOString();
    return [
      {
        key: this.prefix,
        severity: 'critical',
        message: `Files wait to be worked on, and none has passed a step for over ${inTime(this.limitSeconds)}, since ${since}.`,
        action:
          'Look at dm alarm list for what else is the matter, at dm plugin list for a plug-in that hangs, and whether the storage area still answers (ls in it). Nothing is lost; a restart of the station goes on with the files.',
        details: { since },
      },
    ];
  }
}
