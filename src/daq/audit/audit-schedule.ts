import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { WakeableLoop } from '../../platform/events/index.js';
import { AuditRepository } from './audit.repository.js';
import { AuditsService } from './audits.service.js';

const LOOK_INTERVAL_MS = 600_000;
/** Begun at one look; the others have their turn at the next. */
const AT_ONCE = 20;
const DAY_MS = 86_400_000;

/** Audits each experiment with files from time to time, without anybody asking. */
@Injectable()
export class AuditSchedule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop = new WakeableLoop('audit schedule', LOOK_INTERVAL_MS, () => this.look());

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly audits: AuditRepository,
    private readonly service: AuditsService,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.daq.audit.enabled) {
      this.loop.start();
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  private async look(): Promise<boolean> {
    const { periodDays, byteBudget, bytesPerSecond } = this.config.daq.audit;
    for (const experimentId of await this.audits.overdue(new Date(Date.now() - periodDays * DAY_MS), AT_ONCE)) {
      try {
        await this.service.create(
          experimentId,
          {
            isDeep: byteBudget > 0,
            // Also what a fast look has to read, such as copies whose time has changed, is not more than this.
            byteBudget,
            bytesPerSecond,
            wantsSha256: false,
            repairs: [],
            darkAction: null,
          },
          { by: 'station', isScheduled: true },
        );
      } catch (error) {
        if (!(error instanceof StationError && error.code === 'AUDIT_ACTIVE')) {
          throw error;
        }
      }
    }
    return false;
  }
}
