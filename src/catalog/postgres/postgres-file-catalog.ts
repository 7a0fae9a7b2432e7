import { driverCode } from '../../kernel/errors.js';
import { type Database, QUERY_CANCELED, type Sql } from '../../platform/database/index.js';
import { fileChanged, fileNotFound, queryTimeout } from '../catalog.errors.js';
import type { CatalogFile, FileStatistics, Metadata, NewCatalogFile } from '../catalog-file.js';
import type { FileCatalog, FilePage, FileQuery, UpsertOptions, UpsertResult } from '../file-catalog.port.js';
import { cursorAfter, NEWEST_FIRST, positionOf } from '../file-sort.js';
import type { Filter } from '../filter/filter-ast.js';
import { filterToSql, pathHash, SqlParameters } from '../filter/filter-to-sql.js';
import { JSONB_FORM, toStored } from '../metadata/stored-metadata.js';
import { type PreparedFile, prepareBatch } from '../prepared-file.js';
import { statisticsOf } from '../statistics/exact-statistics.js';
import { countedSums, lockCounter, scannedSums } from './counters.js';
import { FILE_COLUMNS, type FileRow, fileOfRow } from './file-row.js';
import { pageStatement } from './query-files.js';
import { type UpsertedBatch, upsertFiles } from './upsert-files.js';

/** Rows of one statement. From 200 to 5,000 the rate is the same; smaller ones hold the counter's lock for less. */
const BATCH_SIZE = 1000;
/** Somebody who edits while this many others win in a row is told so. */
const UPDATE_ATTEMPTS = 10;

export interface PostgresFileCatalogOptions {
  queryTimeLimitMs: number;
}

/** The catalog in the station's own database: one table, metadata as JSONB. */
export class PostgresFileCatalog implements FileCatalog {
  constructor(
    private readonly database: Database,
    private readonly options: PostgresFileCatalogOptions,
  ) {}

  async upsertMany(
    experimentId: number,
    files: readonly NewCatalogFile[],
    options: UpsertOptions = {},
  ): Promise<UpsertResult> {
    const batch = prepareBatch(files);
    const result: UpsertedBatch = { inserted: 0, updated: 0, ids: [] };
    for (let start = 0; start < batch.files.length; start += BATCH_SIZE) {
      const part = await this.upsertPart(experimentId, batch.files.slice(start, start + BATCH_SIZE), options);
      result.inserted += part.inserted;
      result.updated += part.updated;
      result.ids.push(...part.ids);
    }
    return { ...result, ids: batch.positions.map((position) => result.ids[position] ?? '') };
  }

  private upsertPart(experimentId: number, files: PreparedFile[], options: UpsertOptions): Promise<UpsertedBatch> {
    return this.database.transaction(async (transaction) => {
      await lockCounter(transaction, experimentId);
      return upsertFiles(transaction, experimentId, files, options.existing !== 'keep');
    });
  }

  async get(experimentId: number, id: string): Promise<CatalogFile | undefined> {
    const [row] = await this.database.query<FileRow>(
      `SELECT ${FILE_COLUMNS} FROM catalog_file WHERE id = $1 AND experiment_id = $2`,
      [Buffer.from(id, 'hex'), experimentId],
    );
    return row === undefined ? undefined : fileOfRow(row);
  }

  async getByPath(experimentId: number, path: string, version?: number): Promise<CatalogFile | undefined> {
    const [row] = await this.database.query<FileRow>(
      `SELECT ${FILE_COLUMNS} FROM catalog_file
       WHERE experiment_id = $1 AND path_hash = $2 AND ($3::int IS NULL OR version = $3)
       ORDER BY version DESC LIMIT 1`,
      [experimentId, pathHash(path), version ?? null],
    );
    return row === undefined ? undefined : fileOfRow(row);
  }

  async query(experimentId: number, query: FileQuery): Promise<FilePage> {
    const sort = query.sort ?? NEWEST_FIRST;
    const statement = pageStatement(experimentId, query, sort, positionOf(query.cursor, sort));
    const rows = await this.withinTimeLimit((sql) => sql.query<FileRow>(statement.text, statement.values));
    const items = rows.slice(0, query.limit).map(fileOfRow);
    const last = items.at(-1);
    const hasMore = rows.length > query.limit && last !== undefined;
    return { items, nextCursor: hasMore ? cursorAfter(last, sort) : null };
  }

  async updateMetadata(
    experimentId: number,
    id: string,
    change: (metadata: Metadata) => Metadata,
    expectedRevision?: number,
  ): Promise<CatalogFile> {
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS; attempt += 1) {
      const current = await this.get(experimentId, id);
      if (current === undefined) {
        throw fileNotFound();
      }
      if (expectedRevision !== undefined && current.revision !== expectedRevision) {
        throw fileChanged(expectedRevision);
      }
      const [row] = await this.database.query<FileRow>(
        `UPDATE catalog_file SET metadata = $4, revision = revision + 1, updated_at = now()
         WHERE id = $1 AND experiment_id = $2 AND revision = $3 RETURNING ${FILE_COLUMNS}`,
        [
          Buffer.from(id, 'hex'),
          experimentId,
          current.revision,
          JSON.stringify(toStored(change(current.metadata), JSONB_FORM)),
        ],
      );
      if (row !== undefined) {
        return fileOfRow(row);
      }
    }
    throw fileChanged(expectedRevision);
  }

  async delete(experimentId: number, id: string): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      await lockCounter(transaction, experimentId);
      const deleted = await transaction.query(
        `WITH gone AS (DELETE FROM catalog_file WHERE id = $1 AND experiment_id = $2 RETURNING size_bytes)
         UPDATE catalog_counter SET count_files = count_files - 1, total_bytes = total_bytes - gone.size_bytes,
           sum_of_squares = sum_of_squares - gone.size_bytes::numeric * gone.size_bytes
         FROM gone WHERE experiment_id = $2 RETURNING experiment_id`,
        [Buffer.from(id, 'hex'), experimentId],
      );
      return deleted.length > 0;
    });
  }

  async deleteExperiment(experimentId: number): Promise<void> {
    await this.database.transaction(async (transaction) => {
      // The counter's row first, like every writer; where there is none, there are no files either.
      await transaction.query(`DELETE FROM catalog_counter WHERE experiment_id = $1`, [experimentId]);
      await transaction.query(`DELETE FROM catalog_file WHERE experiment_id = $1`, [experimentId]);
    });
  }

  async statistics(experimentId: number, filter?: Filter): Promise<FileStatistics> {
    if (filter === undefined) {
      return statisticsOf(await countedSums(this.database, experimentId));
    }
    const parameters = new SqlParameters();
    const condition = `experiment_id = ${parameters.add(experimentId)} AND ${filterToSql(filter, parameters)}`;
    return statisticsOf(await this.withinTimeLimit((sql) => scannedSums(sql, condition, parameters.values)));
  }

  isAvailable(): boolean {
    return this.database.isAvailable();
  }

  async ping(): Promise<void> {
    await this.database.query('SELECT 1');
  }

  /** The database belongs to the platform, which closes it. */
  async close(): Promise<void> {}

  private async withinTimeLimit<T>(read: (sql: Sql) => Promise<T>): Promise<T> {
    const limitMs = this.options.queryTimeLimitMs;
    try {
      return await this.database.transaction(async (transaction) => {
        await transaction.query(`SELECT set_config('statement_timeout', $1, true)`, [String(limitMs)]);
        return read(transaction);
      });
    } catch (error) {
      throw driverCode(error) === QUERY_CANCELED ? queryTimeout(limitMs, error) : error;
    }
  }
}
