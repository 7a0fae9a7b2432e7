import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../../platform/database/index.js';
import { WakeableLoop } from '../../platform/events/index.js';
import { NOTED_COUNTS } from './ledger-counts.js';
import { WAITS_FOR } from './ledger-row.js';

const LOOK_INTERVAL_MS = 1000;

/** Whether there are rows in one of these states, by the counts. */
const anyIn = (states: string) => `EXISTS (
  SELECT FROM ${NOTED_COUNTS} WHERE acquisition_id = $1 AND state IN (${states}) GROUP BY state HAVING sum(files) > 0)`;
/** Content is still on its way: open, and neither copied nor recorded. */
const ON_THE_WAY = anyIn(`'seen', 'settling', 'queued', 'transferring', 'verifying', 'deferred', 'failed'`);
/** A part of the unit will not come without a person. */
const MISSING_PART = `(${anyIn(`'cancelled'`)} OR EXISTS (
  SELECT FROM ledger WHERE acquisition_id = $1 AND waits_for = ${WAITS_FOR.person} AND finished_order = 0))`;

/**
 * Directories that are taken as one unit (`processingMode: directory`): whole when the first pass has seen all of it and
 * every file is verified. A unit that cannot become whole (a file in quarantine, a stop) leaves its verified files in
 * quarantine as well, in storage and not cataloged; the next upload of the directory takes them all up again.
 */
@Injectable()
export class DirectoryUnits implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop = new WakeableLoop('look at directories taken as one', LOOK_INTERVAL_MS, () => this.look());

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  async isWhole(acquisitionId: string): Promise<boolean> {
    const [row] = await this.database.query<{ is_whole: boolean }>(
      `SELECT scan_complete AND status <> 'aborting' AND NOT (${ON_THE_WAY} OR ${MISSING_PART}) AS is_whole
       FROM acquisition WHERE id = $1`,
      [acquisitionId],
    );
    return row?.is_whole ?? false;
  }

  private async look(): Promise<boolean> {
    const units = await this.database.query<{ id: string; status: string }>(
      `SELECT id, status FROM acquisition
       WHERE status NOT IN ('done', 'failed', 'aborted') AND options ->> 'processingMode' = 'directory'`,
    );
    for (const { id, status } of units) {
      if (await this.isWhole(id)) {
        await this.release(id);
      } else {
        await this.giveUp(id, status === 'aborting');
      }
    }
    return false;
  }

  private async release(id: string): Promise<void> {
    await this.database.query(
      `UPDATE ledger SET due_at = now(), updated_at = now()
       WHERE acquisition_id = $1 AND waits_for = ${WAITS_FOR.work} AND state = 'cataloguing' AND reason_code = 'waits-for-directory'
         AND claimed_by IS NULL AND due_at > now()`,
      [id],
    );
  }

  /** Nothing is on its way any more, and yet the unit is not whole. */
  private async giveUp(id: string, isStopped: boolean): Promise<void> {
    await this.database.query(
      `UPDATE ledger SET state = 'quarantined', reason_code = 'directory-incomplete', updated_at = now(),
         reason = 'It is in storage, verified, but its directory is not whole, so none of it is cataloged. Mend what is wrong with the other files, then upload the directory again.'
       WHERE acquisition_id = $1 AND waits_for = ${WAITS_FOR.work} AND state = 'cataloguing' AND reason_code = 'waits-for-directory'
         AND claimed_by IS NULL
         AND NOT ${ON_THE_WAY} AND ($2 OR ${MISSING_PART})`,
      [id, isStopped],
    );
  }
}
