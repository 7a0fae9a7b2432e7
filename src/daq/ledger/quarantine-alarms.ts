import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Alarms } from '../../platform/alarms/index.js';
import { Database } from '../../platform/database/index.js';
import { WakeableLoop } from '../../platform/events/index.js';

const LOOK_INTERVAL_MS = 5000;
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
    const found = await this.database.query<{ id: number; name: string; files: string }>(
      `SELECT e.id, e.name, count(*) AS files FROM ledger l JOIN experiment e ON e.id = l.experiment_id
       WHERE l.state = 'quarantined' GROUP BY e.id, e.name`,
    );
    const said = await this.database.query<{ key: string; files: number | null }>(
      `SELECT key, (details ->> 'files')::int AS files FROM alarm WHERE cleared_at IS NULL AND starts_with(key, $1)`,
      [PREFIX],
    );
    const saidFiles = new Map(said.map((alarm) => [alarm.key, alarm.files]));
    for (const { id, name, files } of found) {
      const key = `${PREFIX}${id}`;
      const isSaid = saidFiles.get(key) === Number(files);
      saidFiles.delete(key);
      if (!isSaid) {
        await this.raise(key, id, name, Number(files));
      }
    }
    for (const key of saidFiles.keys()) {
      await this.alarms.clear(key);
    }
    return false;
  }

  private async raise(key: string, experimentId: number, name: string, files: number): Promise<void> {
    await this.alarms.raise({
      key,
      severity: 'critical',
      message: `${files} files of experiment ${name} are in quarantine: the station could not bring them to storage by itself.`,
      action: `Look at them with: dm file why, or GET /api/v1/experiments/${name}/ledger?state=quarantined; mend the cause and upload their directory again.`,
      experimentId,
      details: { files },
    });
  }
}
