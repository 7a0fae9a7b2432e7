import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { type Alarm, Alarms, type NewAlarm } from '../platform/alarms/index.js';
import { Database } from '../platform/database/index.js';
import { EventLog, WakeableLoop } from '../platform/events/index.js';

const LOOK_INTERVAL_MS = 500;

/**
 * The database keeps alarms and events, so its own loss is told from memory while it lasts, to whoever asks and is known.
 * Afterwards the feed says when it was, and for how long, and has the alarm that nobody could be sent.
 */
@Injectable()
export class DatabaseOutages implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop = new WakeableLoop('look for an outage of the database', LOOK_INTERVAL_MS, () => this.look());
  private awaySince: number | undefined;

  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly alarms: Alarms,
  ) {}

  /** The alarm of the outage that lasts; of one that was noticed just now, too. */
  current(): Alarm {
    const now = Date.now();
    const since = new Date(this.awaySince ?? now).toISOString();
    return {
      ...alarmOf(since),
      experimentId: null,
      details: { awaySince: since },
      raisedAt: since,
      lastSeenAt: new Date(now).toISOString(),
      count: 1,
    };
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  private async look(): Promise<boolean> {
    if (!this.database.isAvailable()) {
      this.awaySince ??= Date.now();
      return false;
    }
    if (this.awaySince !== undefined) {
      const since = new Date(this.awaySince).toISOString();
      const awaySeconds = Math.round((Date.now() - this.awaySince) / 100) / 10;
      const alarm = alarmOf(since);
      await this.database.transaction(async (tx) => {
        await this.alarms.raise(alarm, tx);
        await this.alarms.clear(alarm.key, tx);
        await this.events.append(tx, [{ type: 'database.returned', data: { awaySince: since, awaySeconds } }]);
      });
      this.awaySince = undefined;
    }
    return false;
  }
}

function alarmOf(since: string): NewAlarm {
  return {
    key: 'station.degraded:database',
    severity: 'critical',
    message: `Degraded, database: it has not answered since ${since}.`,
    action:
      'What was in work is kept in the outcome journal, sources are watched on, nothing new is begun. Start the database server again; other alarms are shown when it answers.',
  };
}
