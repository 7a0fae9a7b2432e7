import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { z } from 'zod';
import { AccessService, type Principal } from '../../auth/index.js';
import { driverCode, StationError } from '../../kernel/errors.js';
import { pathToText } from '../../kernel/path-text.js';
import { Database, type Sql, type Transaction, UNIQUE_VIOLATION } from '../../platform/database/index.js';
import { EventLog, WakeableLoop } from '../../platform/events/index.js';
import { pathFromText } from '../acquisitions/destination.js';
import { ENDED_STATES_SQL } from './ledger-row.js';

const LOOK_INTERVAL_MS = 5000;
const MOST_NAMED = 100;

export const ledgerActionBody = z
  .strictObject({
    /**
     * `retry`: what failed, at once. `release`: out of quarantine, tried again. `accept`: content that collided becomes
     * the next version of its destination. `skip`: leave a quarantined file out, with the reason.
     */
    action: z.enum(['retry', 'release', 'accept', 'skip']),
    /** Files of this acquisition … */
    acquisitionId: z.uuid().optional(),
    /** … of these paths, relative to the experiment's directory … */
    paths: z.array(z.string().min(1).max(16_384)).min(1).max(1000).optional(),
    /** … that stand where they stand for this reason. */
    reasonCode: z.string().min(1).max(200).optional(),
    /** Why, for the record; `skip` needs it. */
    reason: z.string().trim().min(1).max(2000).optional(),
  })
  .refine(({ acquisitionId, paths, reasonCode }) => (acquisitionId ?? paths ?? reasonCode) !== undefined, {
    error: 'say which files: acquisitionId, paths or reasonCode',
  })
  .refine(({ action, reason }) => action !== 'skip' || reason !== undefined, {
    error: 'say why: reason',
    path: ['reason'],
  })
  .meta({ example: { action: 'release', paths: ['data/scan1/a.h5'] } });
export type LedgerActionBody = z.infer<typeof ledgerActionBody>;

export const ledgerActionSchema = z
  .object({
    changed: z.int(),
    /** Named paths of which nothing was changed, and why; the first hundred. */
    left: z.array(z.object({ path: z.string(), state: z.string(), reason: z.string() })),
  })
  .meta({ example: { changed: 1, left: [] } });
export type LedgerActionResult = z.infer<typeof ledgerActionSchema>;

type Action = LedgerActionBody['action'];

const CHOSEN = `l.experiment_id = $1 AND ($2::uuid IS NULL OR l.acquisition_id = $2)
  AND ($3::bytea[] IS NULL OR l.destination_key IN (SELECT sha256(path) FROM unnest($3::bytea[]) path))
  AND ($4::text IS NULL OR l.reason_code = $4)`;

/** Which rows an action is for, and what it makes of them; `$5` is the note of `skip`. */
const ACTIONS = {
  retry: {
    from: `l.state = 'failed' OR l.state = 'cataloguing' AND l.reason_code IS DISTINCT FROM 'waits-for-directory'`,
    set: `attempts = 0, due_at = now()`,
    otherwise: 'It has not failed.',
  },
  release: {
    // Content that a newer version has overtaken must not come to the final name behind it.
    from: `l.state = 'quarantined' AND l.reason_code IS DISTINCT FROM 'directory-incomplete' AND NOT EXISTS (
      SELECT 1 FROM ledger o WHERE o.experiment_id = l.experiment_id AND o.destination_key = l.destination_key
        AND o.version > l.version AND o.state NOT IN ('skipped', 'cancelled'))`,
    set: `state = CASE WHEN l.finished_order = 0 THEN 'queued' ELSE 'cataloguing' END, attempts = 0, due_at = now(),
      reason_code = NULL, reason = NULL`,
    otherwise: 'It is not in quarantine, or a newer version has come, or the rest of its directory is missing.',
  },
  accept: {
    // The newest of several, and only while no other version is under way: versions are published in their order.
    from: `l.state = 'quarantined' AND l.reason_code = 'destination-collision' AND l.version IS NULL AND NOT EXISTS (
      SELECT 1 FROM ledger o WHERE o.experiment_id = l.experiment_id AND o.destination_key = l.destination_key
        AND (o.version IS NOT NULL AND o.state NOT IN (${ENDED_STATES_SQL})
          OR o.id > l.id AND o.version IS NULL AND o.state = 'quarantined'))`,
    set: `state = 'queued', attempts = 0, due_at = now(), reason_code = NULL, reason = NULL,
      version = (SELECT coalesce(max(o.version), 0) + 1 FROM ledger o
        WHERE o.experiment_id = l.experiment_id AND o.destination_key = l.destination_key)`,
    otherwise: 'It did not collide with another source, or another version of it is under way.',
  },
  skip: {
    from: `l.state = 'quarantined' AND l.transferred_at IS NULL`,
    set: `state = 'skipped', version = NULL, reason_code = 'skipped-by-person', reason = $5`,
    otherwise: 'It is not in quarantine, or its content is in storage already: release it.',
  },
} as const;

/** What a person can do about rows that failed or are in quarantine; each change is a compare-and-set. */
@Injectable()
export class LedgerActions implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop = new WakeableLoop('look at stranded files', LOOK_INTERVAL_MS, () => this.look());

  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly access: AccessService,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  /**
   * Rows that a worker holds at this moment stay as they are and are told in `left`.
   *
   * @throws StationError FORBIDDEN, PATH_INVALID, NO_FILE_MATCHES, ACTION_RACED
   */
  async act(principal: Principal, experimentId: number, body: LedgerActionBody): Promise<LedgerActionResult> {
    await this.access.require(principal, 'acquisition.control', { experimentId });
    const paths = body.paths?.map((path) => pathFromText(path)) ?? null;
    const choice = [experimentId, body.acquisitionId ?? null, paths, body.reasonCode ?? null];
    const note = body.action === 'skip' ? [`${principal.username}: ${body.reason ?? ''}`.replaceAll('\0', '')] : [];
    return this.raceTold(async (tx) => {
      const changed = await this.change(tx, body.action, choice, note);
      const left = paths === null ? [] : await this.leftOf(tx, body.action, choice, changed);
      if (changed.length > 0) {
        await this.events.append(tx, [
          {
            type: 'files.acted-on',
            experimentId,
            subject: body.acquisitionId ?? null,
            data: { action: body.action, by: principal.username, reason: body.reason ?? null, count: changed.length },
          },
        ]);
      } else if (paths !== null && left.every(({ state }) => state === 'unknown')) {
        throw new StationError(
          'not-found',
          'NO_FILE_MATCHES',
          'The ledger knows no such file; name it relative to the directory of the experiment, such as data/a.h5.',
        );
      }
      return { changed: changed.length, left };
    });
  }

  private async change(tx: Sql, action: Action, choice: unknown[], note: string[]): Promise<string[]> {
    const { from, set } = ACTIONS[action];
    const rows = await tx.query<{ id: string }>(
      `UPDATE ledger l SET updated_at = now(), ${set}
       WHERE ${CHOSEN} AND (${from}) AND l.claimed_by IS NULL RETURNING l.id`,
      [...choice, ...note],
    );
    return rows.map(({ id }) => id);
  }

  /** Of the paths that were named, those of which no row was changed: where their newest chosen row stands. */
  private async leftOf(tx: Sql, action: Action, choice: unknown[], changed: readonly string[]) {
    const rows = await tx.query<{ path: Buffer; state: string | null; reason: string | null }>(
      `SELECT named.path, newest.state, newest.reason FROM unnest($3::bytea[]) AS named (path)
       LEFT JOIN LATERAL (
         SELECT l.state, l.reason FROM ledger l
         WHERE l.destination_key = sha256(named.path) AND ${CHOSEN} ORDER BY l.id DESC LIMIT 1) newest ON true
       WHERE NOT EXISTS (
         SELECT 1 FROM ledger c WHERE c.id = ANY($5::bigint[]) AND c.destination_key = sha256(named.path))
       LIMIT ${MOST_NAMED}`,
      [...choice, changed],
    );
    return rows.map(({ path, state, reason }) => ({
      path: pathToText(path),
      state: state ?? 'unknown',
      reason: state === null ? 'The ledger knows no such file.' : (reason ?? ACTIONS[action].otherwise),
    }));
  }

  /** A version number that a scan takes at the same moment is the scan's. */
  private async raceTold<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.database.transaction(work);
    } catch (error) {
      if (driverCode(error) !== UNIQUE_VIOLATION) {
        throw error;
      }
      throw new StationError(
        'conflict',
        'ACTION_RACED',
        'Newer content of such a file was found at this moment; nothing was changed. Look at it and ask again.',
        { cause: error },
      );
    }
  }

  /** A released file that changed meanwhile waits for a look that no acquisition takes any more, as its own is over. */
  private async look(): Promise<boolean> {
    await this.database.query(
      `UPDATE ledger l SET state = 'quarantined', reason_code = 'source-changed', updated_at = now(),
         reason = 'It has changed since it was found, and its acquisition is over. Upload its directory again.'
       FROM acquisition a
       WHERE a.id = l.acquisition_id AND l.state = 'deferred' AND l.claimed_by IS NULL
         AND a.status IN ('done', 'failed', 'aborted')`,
    );
    return false;
  }
}
