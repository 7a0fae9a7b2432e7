import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../platform/database/index.js';
import { EventLog, WakeableLoop } from '../platform/events/index.js';

const LOOK_INTERVAL_MS = 500;

/**
 * The database keeps alarms and events, so its own loss cannot be told while it lasts, except by health and metrics.
 * Afterwards the feed says when it was, and for how long.
 */
@Injectable()
export class DatabaseOutages implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop = new WakeableLoop('look for an outage of the database', LOOK_INTERVAL_MS, () => this.look());
  private awaySince: number | undefined;

  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
  ) {}

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
      const since = this.awaySince;
      const awaySeconds = Math.round((Date.now() - since) / 100) / 10;
      await this.events.append(this.database, [
        { type: 'database.returned', data: { awaySince: new Date(since).toISOString(), awaySeconds } },
      ]);
      this.awaySince = undefined;
    }
    return false;
  }
}
