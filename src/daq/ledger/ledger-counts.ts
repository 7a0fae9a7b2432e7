import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../../platform/database/index.js';
import { WakeableLoop } from '../../platform/events/index.js';
import type { LedgerState } from './ledger-row.js';

const SUM_UP_INTERVAL_MS = 3000;

export interface StateCount {
  acquisitionId: string;
  state: LedgerState;
  files: number;
  bytes: number;
}

interface CountRecord {
  acquisition_id: string;
  state: LedgerState;
  files: string;
  bytes: string;
}

/**
 * How many files and bytes stand in which state, without counting rows: every change of the ledger notes its difference
 * in the same transaction (triggers of the table), which this sums up now and then. Any answer is exact at its moment.
 */
@Injectable()
export class LedgerCounts implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop = new WakeableLoop('sum up ledger counts', SUM_UP_INTERVAL_MS, async () => {
    await this.sumUp();
    return false;
  });

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  async of(acquisitionIds: readonly string[]): Promise<StateCount[]> {
    const records = await this.database.query<CountRecord>(
      `SELECT acquisition_id, state, sum(files) AS files, sum(bytes) AS bytes FROM (
         SELECT * FROM ledger_count WHERE acquisition_id = ANY($1::uuid[])
         UNION ALL SELECT * FROM ledger_count_change WHERE acquisition_id = ANY($1::uuid[])) noted
       GROUP BY acquisition_id, state HAVING sum(files) <> 0`,
      [acquisitionIds],
    );
    return records.map((record) => ({
      acquisitionId: record.acquisition_id,
      state: record.state,
      files: Number(record.files),
      bytes: Number(record.bytes),
    }));
  }

  /** Of all acquisitions together. */
  async byState(): Promise<Map<LedgerState, { files: number; bytes: number }>> {
    const records = await this.database.query<Omit<CountRecord, 'acquisition_id'>>(
      `SELECT state, sum(files) AS files, sum(bytes) AS bytes
       FROM (TABLE ledger_count UNION ALL TABLE ledger_count_change) noted GROUP BY state`,
    );
    return new Map(records.map(({ state, files, bytes }) => [state, { files: Number(files), bytes: Number(bytes) }]));
  }

  /** When the longest-waiting file that is neither at its end nor given up was seen. */
  async oldestOpen(): Promise<Date | undefined> {
    // By acquisition, so that each is one step into the index of open rows, however many rows are waiting.
    const [record] = await this.database.query<{ oldest: Date | null }>(
      `SELECT min(first.seen_at) AS oldest
       FROM (SELECT DISTINCT acquisition_id FROM (TABLE ledger_count UNION ALL TABLE ledger_count_change) noted
             WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined')) busy
       CROSS JOIN LATERAL (
         SELECT seen_at FROM ledger l
         WHERE l.acquisition_id = busy.acquisition_id
           AND l.state NOT IN ('done', 'skipped', 'cancelled', 'quarantined') ORDER BY l.id LIMIT 1) first`,
    );
    return record?.oldest ?? undefined;
  }

  async sumUp(): Promise<void> {
    await this.database.query(
      `WITH noted AS (DELETE FROM ledger_count_change RETURNING *)
       INSERT INTO ledger_count AS c (acquisition_id, state, files, bytes)
       SELECT acquisition_id, state, sum(files), sum(bytes) FROM noted GROUP BY acquisition_id, state
       ORDER BY acquisition_id, state
       ON CONFLICT (acquisition_id, state) DO UPDATE SET files = c.files + excluded.files, bytes = c.bytes + excluded.bytes`,
    );
    await this.database.query(`DELETE FROM ledger_count WHERE files = 0 AND bytes = 0`);
  }
}
