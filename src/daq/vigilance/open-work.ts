import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/index.js';
import { LedgerCounts } from '../ledger/ledger-counts.js';
import { BACKLOG, ENDED_STATES_SQL, FRESH, WAITS_FOR } from '../ledger/ledger-row.js';
import { StrayClaims } from '../pipeline/stray-claims.js';
import type { AcquisitionKind } from '../acquisitions/acquisition.js';

export interface RunningAcquisition {
  id: string;
  kind: AcquisitionKind;
  experimentId: number;
  experiment: string;
  sourceHost: string;
  sourceDirectory: Buffer;
  /** Null: the station's default. 0: never. */
  silenceAlarmSeconds: number | null;
  startedAt: Date;
  /** When the newest file version was found; null before the first. */
  lastSeenAt: Date | null;
}

export interface Backlog {
  acquisitionId: string;
  /** File versions that were found and are neither done nor given up. */
  files: number;
  bytes: number;
}

export interface WaitingFiles {
  files: number;
  bytes: number;
  /** Bytes of the largest one. */
  largest: number;
}

/** What the watches ask the ledger, each cheap enough to be asked again and again. */
@Injectable()
export class OpenWork {
  constructor(
    private readonly database: Database,
    private readonly counts: LedgerCounts,
    private readonly claims: StrayClaims,
  ) {}

  /** Acquisitions that take files just now, of experiments that are not over. */
  running(): Promise<RunningAcquisition[]> {
    return this.database.query<RunningAcquisition>(
      `SELECT a.id, a.kind, a.experiment_id AS "experimentId", e.name AS experiment, a.source_host AS "sourceHost",
              a.source_directory AS "sourceDirectory", a.started_at AS "startedAt", newest.seen_at AS "lastSeenAt",
              (a.options ->> 'silenceAlarmSeconds')::float8 AS "silenceAlarmSeconds"
       FROM acquisition a JOIN experiment e ON e.id = a.experiment_id
       LEFT JOIN LATERAL (
         SELECT seen_at FROM ledger WHERE acquisition_id = a.id ORDER BY id DESC LIMIT 1) newest ON true
       WHERE a.status = 'running' AND a.started_at IS NOT NULL AND (e.end_date IS NULL OR e.end_date >= now())`,
    );
  }

  backlogs(): Promise<Backlog[]> {
    return this.counts.open();
  }

  /** Files that are tried again after one of these codes. */
  async waitingFor(codes: readonly string[]): Promise<WaitingFiles> {
    const [row] = await this.database.query<{ files: string; bytes: string; largest: string }>(
      `SELECT count(*) AS files, coalesce(sum(size_bytes), 0) AS bytes, coalesce(max(size_bytes), 0) AS largest
       FROM ledger WHERE waits_for = ${WAITS_FOR.work} AND reason_code IS NOT NULL AND reason_code = ANY($1::text[])`,
      [codes],
    );
    return { files: Number(row?.files), bytes: Number(row?.bytes), largest: Number(row?.largest) };
  }

  /** Seconds that the longest due of the work waits, whether it is in hand by now or not; null when none is due. */
  async longestWait(): Promise<number | null> {
    const [row] = await this.database.query<{ seconds: number | null }>(
      `SELECT extract(epoch FROM now() - min(due_at))::float8 AS seconds FROM (
         ${[FRESH, BACKLOG]
           .map(
             (priority) =>
               `(SELECT due_at FROM ledger WHERE waits_for = ${WAITS_FOR.work} AND priority = ${priority}
                 ORDER BY due_at LIMIT 1)`,
           )
           .join(' UNION ALL ')}
         UNION ALL SELECT due_at FROM ledger WHERE id = $1::bigint AND state NOT IN (${ENDED_STATES_SQL})) work
       WHERE due_at <= now()`,
      [this.claims.longestHeld ?? null],
    );
    return row?.seconds ?? null;
  }
}
