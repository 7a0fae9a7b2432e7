import type { Sql, Transaction } from '../../platform/database/index.js';
import { experimentGone } from '../catalog.errors.js';
import type { SizeSums } from '../statistics/exact-statistics.js';

/**
 * Takes the experiment's counter row for this transaction. Every write of the catalog begins with it, so writers of one
 * experiment take turns, sizes cannot change between reading and counting them, and no two wait for each other's rows.
 * The experiment's own row comes first, as in the deletion of an experiment, which cascades to the counter.
 *
 * @throws StationError EXPERIMENT_NOT_FOUND
 */
export async function lockCounter(transaction: Transaction, experimentId: number): Promise<void> {
  const lock = `
    WITH alive AS MATERIALIZED (SELECT id FROM experiment WHERE id = $1 FOR KEY SHARE)
    SELECT counter.experiment_id FROM alive JOIN catalog_counter counter ON counter.experiment_id = alive.id
    FOR NO KEY UPDATE OF counter`;
  const locked = await transaction.query(lock, [experimentId]);
  if (locked.length > 0) {
    return;
  }
  await transaction.query(
    `INSERT INTO catalog_counter (experiment_id) SELECT id FROM experiment WHERE id = $1 FOR KEY SHARE
     ON CONFLICT DO NOTHING`,
    [experimentId],
  );
  if ((await transaction.query(lock, [experimentId])).length === 0) {
    throw experimentGone();
  }
}

interface SumsRow {
  count: string | null;
  total: string | null;
  sum_of_squares: string | null;
  min: string | null;
  max: string | null;
}

/** Sums from the counter, extremes from the index on size: one statement, so all five belong to one moment. */
export async function countedSums(sql: Sql, experimentId: number): Promise<SizeSums> {
  const [row] = await sql.query<SumsRow>(
    `SELECT counter.count_files AS count, counter.total_bytes AS total, counter.sum_of_squares,
       (SELECT min(size_bytes) FROM catalog_file WHERE experiment_id = $1) AS min,
       (SELECT max(size_bytes) FROM catalog_file WHERE experiment_id = $1) AS max
     FROM catalog_counter counter WHERE counter.experiment_id = $1`,
    [experimentId],
  );
  return sumsOf(row);
}

/** Computes the sums of the rows that a condition over `catalog_file` selects. */
export async function scannedSums(sql: Sql, condition: string, parameters: readonly unknown[]): Promise<SizeSums> {
  const [row] = await sql.query<SumsRow>(
    `SELECT count(*) AS count, sum(size_bytes) AS total, sum(size_bytes::numeric * size_bytes) AS sum_of_squares,
       min(size_bytes) AS min, max(size_bytes) AS max
     FROM catalog_file WHERE ${condition}`,
    parameters,
  );
  return sumsOf(row);
}

function sumsOf(row: SumsRow | undefined): SizeSums {
  return {
    count: BigInt(row?.count ?? 0),
    total: BigInt(row?.total ?? 0),
    sumOfSquares: BigInt(row?.sum_of_squares ?? 0),
    min: bigintOrNull(row?.min),
    max: bigintOrNull(row?.max),
  };
}

function bigintOrNull(text: string | null | undefined): bigint | null {
  return text === null || text === undefined ? null : BigInt(text);
}
