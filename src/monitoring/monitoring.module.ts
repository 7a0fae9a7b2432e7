import { Inject, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Gauge, type Registry } from 'prom-client';
import { AuthModule } from '../auth/index.js';
import { CatalogModule } from '../catalog/index.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { Database } from '../platform/database/index.js';
import { EventStore } from '../platform/events/index.js';
import { METRICS } from '../platform/metrics/index.js';
import { StorageModule } from '../storage/index.js';
import { AlarmsController } from './alarms.controller.js';
import { DatabaseOutages } from './database-outages.js';
import { DegradedAlarms } from './degraded-alarms.js';
import { EventsController } from './events.controller.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { MetricsController } from './metrics.controller.js';
import { StationController } from './station.controller.js';
import { TrustedCaller } from './trusted-caller.js';

const PRUNE_INTERVAL_MS = 3_600_000;

/** Keeps the event feed from growing for ever, and says whether the database answers. */
@Injectable()
class Housekeeping implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    @Inject(METRICS) registry: Registry,
    database: Database,
    private readonly events: EventStore,
  ) {
    new Gauge({
      name: 'dm_database_available',
      help: 'Whether the database answered last time (1) or not (0)',
      registers: [registry],
      collect() {
        this.set(database.isAvailable() ? 1 : 0);
      },
    });
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.events.prune(this.config.events.keepDays).catch(() => undefined);
    }, PRUNE_INTERVAL_MS);
    this.timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }
}

@Module({
  imports: [AuthModule, CatalogModule, StorageModule],
  controllers: [AlarmsController, EventsController, HealthController, MetricsController, StationController],
  providers: [HealthService, TrustedCaller, DatabaseOutages, DegradedAlarms, Housekeeping],
})
export class MonitoringModule {}
