import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Alarms } from '../../platform/alarms/index.js';
import { Database } from '../../platform/database/index.js';
import { WakeableLoop } from '../../platform/events/index.js';
import { WAITS_FOR } from './ledger-row.js';

const LOOK_INTERVAL_MS = 5000;
/** What came within this time is named apart: whether it grows matters more than how much there is. */
const RECENT_MINUTES = 60;
const PREFIX = 'daq.quarantine:';

/** One alarm for each experiment with files that need a person; it ends when none is left. */
@Injectable()
export class QuarantineAlarms implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop = new WakeableLoop('look at the quarantine', LOOK_INTERVAL_MS, () => this.look());

  constructor(
    private readonly database: Database,
    private readonly alarms: Alarms,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  private async look(): Promise<boolean> {
    const found = await this.database.query<{ id: number; name: string; files: string; recent: string }>(
      `SELECT e.id, e.name, count(*) AS files,
              count(*) FILTER (WHERE l.updated_at > now() - make_interval(mins => ${RECENT_MINUTES})) AS recent
       FROM ledger l JOIN experiment e ON e.id = l.experiment_id
       WHERE l.waits_for = ${WAITS_FOR.person} GROUP BY e.id, e.name`,
    );
    const said = await this.database.query<{ key: string; counts: string }>(
      `SELECT key, concat(details ->> 'files', ' ', details ->> 'recentFiles') AS counts FROM alarm WHERE cleared_at IS NULL AND starts_with(key, $1)`,
      [PREFIX],
    );
    const saidCounts = new Map(said.map(({ key, counts }) => [key, counts]));
    for (const { id, name, files, recent } of found) {
      const key = `${PREFIX}${id}`;
      const isSaid = saidCounts.get(key) === `${files} ${recent}`;
      saidCounts.delete(key);
      if (!isSaid) {
        await this.raise(key, id, name, { files: Number(files), recentFiles: Number(recent) });
      }
    }
    for (const key of saidCounts.keys()) {
      await this.alarms.clear(key);
    }
    return false;
  }

  private async raise(
    key: string,
    experimentId: number,
    name: string,
    counts: { files: number; recentFiles: number },
  ): Promise<void> {
    const { files, recentFiles } = counts;
    const growth = recentFiles === 0 ? '' : ` (${recentFiles} of them within the last hour)`;
    await this.alarms.raise({
      key,
      severity: 'critical',
      message: `${files} files of experiment ${name} are in quarantine${growth}: the station could not bring them to storage by itself.`,
      action: `GET /api/v1/experiments/${name}/ledger?state=quarantined lists them, dm file why PATH says what is wrong with each. Mend the cause and have it tried again: dm file release PATH; or take what another source brought as the next version: dm file release PATH --accept; or leave it out: dm file release PATH --skip REASON.`,
      experimentId,
      details: counts,
    });
  }
}
