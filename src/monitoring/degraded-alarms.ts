import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Alarms } from '../platform/alarms/index.js';
import { WakeableLoop } from '../platform/events/index.js';
import { type Check, HealthService } from './health.service.js';

const LOOK_INTERVAL_MS = 3000;

const ACTION: Readonly<Record<string, string>> = {
  queue: 'Nothing is lost: the ledger feeds the workers meanwhile. Start the queue server again.',
  catalog: 'Files are copied and verified and wait to be cataloged. Start the catalog server again.',
  storage: 'Files wait where they are. Mount the storage area, or free space on it.',
};

/**
 * Turns what the station finds missing below it into alarms that end by themselves. The database keeps the alarms:
 * of its own loss see `DatabaseOutages`.
 */
@Injectable()
export class DegradedAlarms implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop = new WakeableLoop('look at what the station stands on', LOOK_INTERVAL_MS, () => this.look());
  private readonly raised = new Map<string, string>();

  constructor(
    private readonly health: HealthService,
    private readonly alarms: Alarms,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  private async look(): Promise<boolean> {
    const { checks } = await this.health.readiness();
    for (const check of checks) {
      const action = ACTION[check.name];
      if (action !== undefined) {
        await this.say(check, action);
      }
    }
    return false;
  }

  private async say(check: Check, action: string): Promise<void> {
    const key = `station.degraded:${check.name}`;
    const message = check.status === 'up' ? '' : (check.message ?? 'it does not answer');
    if (this.raised.get(key) === message) {
      return;
    }
    if (check.status === 'up') {
      await this.alarms.clear(key);
    } else {
      await this.alarms.raise({ key, severity: 'critical', message: `Degraded, ${check.name}: ${message}`, action });
    }
    this.raised.set(key, message);
  }
}
