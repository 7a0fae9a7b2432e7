import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../../platform/database/index.js';
import { WakeableLoop } from '../../platform/events/index.js';
import { ENDED_STATES_SQL, type LedgerState, WAITS_FOR } from './ledger-row.js';

const SUM_UP_INTERVAL_MS = 3000;

/** Sums of it are exact at their moment, whatever is summed up already. */
export const NOTED_COUNTS = `(TABLE ledger_count UNION ALL TABLE ledger_count_change) noted`;

/** Acquisitions with rows that some worker has in hand, or had when the station died. */
export const WITH_ROWS_IN_HAND = `
  SELECT acquisition_id FROM ${NOTED_COUNTS} WHERE state IN ('transferring', 'verifying', 'cataloguing')
  GROUP BY acquisition_id HAVING sum(files) > 0`;

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
      `SELECT acquisition_id, state, sum(files) AS files, sum(bytes) AS bytes FROM ${NOTED_COUNTS}
       WHERE acquisition_id = ANY($1::uuid[])
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
       FROM ${NOTED_COUNTS} GROUP BY state`,
    );
    return new Map(records.map(({ state, files, bytes }) => [state, { files: Number(files), bytes: Number(bytes) }]));
  }

  /** What is neither at its end nor given up, by acquisition. */
  async open(): Promise<{ acquisitionId: string; files: number; bytes: number }[]> {
    const records = await this.database.query<Omit<CountRecord, 'state'>>(
      `SELECT acquisition_id, sum(files) AS files, sum(bytes) AS bytes FROM ${NOTED_COUNTS}
       WHERE state NOT IN (${ENDED_STATES_SQL}) GROUP BY acquisition_id HAVING sum(files) > 0`,
    );
    return records.map(({ acquisition_id, files, bytes }) => ({
      acquisitionId: acquisition_id,
      files: Number(files),
      bytes: Number(bytes),
    }));
  }

  /**
   * When the longest-waiting file that is neither at its end nor given up was seen. `inHand`: the row that has been in
   * this process's hands for longest.
   */
  async oldestOpen(inHand?: string): Promise<Date | undefined> {
    // By acquisition, so that each is one step into the index of waiting rows, however many there are.
    const [record] = await this.database.query<{ oldest: Date | null }>(
      `SELECT min(seen_at) AS oldest FROM (
         SELECT first.seen_at
         FROM (SELECT DISTINCT acquisition_id FROM ${NOTED_COUNTS} WHERE state NOT IN (${ENDED_STATES_SQL})) busy
         CROSS JOIN LATERAL (
           SELECT seen_at FROM ledger l
           WHERE l.acquisition_id = busy.acquisition_id AND l.waits_for IS NOT NULL
             AND l.waits_for <> ${WAITS_FOR.person} ORDER BY l.id LIMIT 1) first
         UNION ALL
         SELECT seen_at FROM ledger WHERE id = $1::bigint AND state NOT IN (${ENDED_STATES_SQL})) candidates`,
      [inHand ?? null],
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
