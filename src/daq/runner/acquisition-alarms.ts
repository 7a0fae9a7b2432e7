import { addressText, locationOf } from '../acquisitions/source-addresses.js';
import type { NewAlarm } from '../../platform/alarms/index.js';
import type { Sql } from '../../platform/database/index.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import type { WatchTrouble } from '../source/source-tree.port.js';
import type { RunnerParts } from './runner-parts.js';

type AlarmName = 'source-overlaps' | 'source-missing' | 'source-empty' | 'watch-limit' | 'watch-trouble' | 'not-taken';

const NAMES: readonly AlarmName[] = [
  'source-overlaps',
  'source-missing',
  'source-empty',
  'watch-limit',
  'watch-trouble',
  'not-taken',
];

/** Raised in the transaction that starts the acquisition; it ends with it. */
export function overlapAlarm(acquisition: Acquisition, message: string): NewAlarm {
  return {
    key: `daq.source-overlaps:${acquisition.id}`,
    severity: 'warning',
    message,
    action: 'If files are to arrive once only, stop one of the acquisitions or narrow their patterns.',
    experimentId: acquisition.experimentId,
    details: { acquisitionId: acquisition.id },
  };
}

/** The conditions of one acquisition that want a person's look. Said once each, cleared when they are over. */
export class AcquisitionAlarms {
  /** What this run of the station has written last, so that looking again every second writes nothing. */
  private readonly said = new Map<AlarmName, string | null>();
  private readonly source: string;

  constructor(
    private readonly parts: RunnerParts,
    private readonly acquisition: Acquisition,
  ) {
    this.source = addressText(locationOf(acquisition));
  }

  sourceMissing(reason: string, isLost: boolean): Promise<void> {
    return this.say('source-missing', {
      severity: isLost ? 'critical' : 'warning',
      message: `The acquisition of ${this.source} takes no files: ${reason}.`,
      action: isLost
        ? 'Check the mount and the detector; it goes on by itself when the directory is back.'
        : 'Check the spelling and the mount; it starts by itself when the directory appears.',
    });
  }

  sourceThere(): Promise<void> {
    return this.say('source-missing', null);
  }

  sourceEmpty(isEmpty: boolean): Promise<void> {
    return this.say(
      'source-empty',
      isEmpty
        ? {
            severity: 'warning',
            message: `${this.source} holds no files that this acquisition takes.`,
            action: 'Check that the detector writes there, and the include and exclude patterns.',
          }
        : null,
    );
  }

  /** Files are found all the same, so it is never more than a warning. */
  async watchTrouble(trouble: WatchTrouble | null): Promise<void> {
    for (const [name, kind] of [
      ['watch-limit', 'limit'],
      ['watch-trouble', 'other'],
    ] as const) {
      await this.say(
        name,
        trouble?.kind === kind
          ? {
              severity: 'warning',
              message: `File events of ${this.source} are incomplete: ${trouble.message}.`,
              action: trouble.action,
            }
          : null,
      );
    }
  }

  async afterPass(problems: readonly { path: string; code: string }[], hasFiles: boolean): Promise<void> {
    await this.sourceEmpty(!hasFiles);
    // Names of files that are being written come and go.
    await this.notTaken(problems.filter((problem) => problem.code !== 'TEMPORARY_NAME'));
  }

  /** Entries of the source that cannot be taken, such as links and unreadable directories. */
  private notTaken(entries: readonly { path: string; code: string }[]): Promise<void> {
    const shown = entries.slice(0, 5).map((entry) => `${entry.path === '' ? '.' : entry.path} (${entry.code})`);
    return this.say(
      'not-taken',
      entries.length === 0
        ? null
        : {
            severity: 'warning',
            message: `${entries.length} entries of ${this.source} are not taken: ${shown.join(', ')}${entries.length > shown.length ? ', …' : ''}.`,
            action:
              'Only regular files are data: replace links by files, and make directories readable for the station.',
            details: { entries: entries.slice(0, 100) },
          },
    );
  }

  /** For good, in the transaction that ends the acquisition: nobody would look after an alarm that it left behind. */
  async clearAll(sql: Sql): Promise<void> {
    for (const name of NAMES) {
      await this.parts.alarms.clear(this.keyOf(name), sql);
    }
  }

  /** An alarm that cannot be written now is said again at the next look; it never stops the acquisition. */
  private async say(name: AlarmName, alarm: Pick<NewAlarm, 'severity' | 'message' | 'action' | 'details'> | null) {
    const message = alarm?.message ?? null;
    if (this.said.get(name) === message && this.said.has(name)) {
      return;
    }
    const { id, experimentId } = this.acquisition;
    const key = this.keyOf(name);
    try {
      if (alarm === null) {
        await this.parts.alarms.clear(key);
      } else {
        await this.parts.alarms.raise({
          ...alarm,
          key,
          experimentId,
          details: { ...alarm.details, acquisitionId: id },
        });
      }
      this.said.set(name, message);
    } catch {
      this.said.delete(name);
    }
  }
  private keyOf(name: AlarmName): string {
    return `daq.${name}:${this.acquisition.id}`;
  }
}
