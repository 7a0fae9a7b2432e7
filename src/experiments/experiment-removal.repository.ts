import { Injectable } from '@nestjs/common';
import type { Sql } from '../platform/database/index.js';

export interface PendingRemoval {
  id: number;
  /** Relative to the storage area's root, both. */
  sourceDirectory: string;
  targetDirectory: string;
}

interface RemovalRow {
  id: number;
  source_directory: string;
  target_directory: string;
}

/** Directories of deleted experiments that still have to be moved away. */
@Injectable()
export class ExperimentRemovalRepository {
  async insert(tx: Sql, sourceDirectory: string, targetDirectory: string): Promise<void> {
    await tx.query(`INSERT INTO experiment_removal (source_directory, target_directory) VALUES ($1, $2)`, [
      sourceDirectory,
      targetDirectory,
    ]);
  }

  /** Takes one for itself until the transaction ends; `exceptIds` were tried already. */
  async lockNext(tx: Sql, exceptIds: readonly number[]): Promise<PendingRemoval | undefined> {
    const [row] = await tx.query<RemovalRow>(
      `SELECT id, source_directory, target_directory FROM experiment_removal
       WHERE id <> ALL($1::int[]) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`,
      [exceptIds],
    );
    return row && { id: row.id, sourceDirectory: row.source_directory, targetDirectory: row.target_directory };
  }

  async delete(tx: Sql, id: number): Promise<void> {
    await tx.query(`DELETE FROM experiment_removal WHERE id = $1`, [id]);
  }
}
