import { Inject, Injectable } from '@nestjs/common';
import { driverCode } from '../kernel/errors.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { Database, type Sql, UNIQUE_VIOLATION } from '../platform/database/index.js';
import { experimentExists } from './experiment.errors.js';
import { directoriesOf } from './experiment-layout.js';
import { experimentNameProblem } from './experiment-name.js';
import type { Experiment } from './experiment.js';

export interface ExperimentValues {
  typeId: number;
  description: string;
  startDate: string | null;
  endDate: string | null;
}

export interface NewExperiment extends ExperimentValues {
  name: string;
  stationName: string;
  rootPath: string | null;
}

interface ExperimentRow {
  id: number;
  name: string;
  station_name: string;
  root_path: string | null;
  type: string;
  description: string;
  start_date: Date | null;
  end_date: Date | null;
  created_at: Date;
  updated_at: Date;
}

const SELECT = `
  SELECT e.id, e.name, e.station_name, e.root_path, t.name AS type, e.description, e.start_date, e.end_date,
         e.created_at, e.updated_at
  FROM experiment e JOIN experiment_type t ON t.id = e.type_id`;

/** Any number that no other part of this database uses as an advisory lock. */
const CREATION_LOCK = 7_236_201;

/** All SQL of experiments. */
@Injectable()
export class ExperimentRepository {
  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: StationConfig,
  ) {}

  async findById(id: number, sql: Sql = this.database): Promise<Experiment | undefined> {
    return this.first(await sql.query<ExperimentRow>(`${SELECT} WHERE e.id = $1`, [id]));
  }

  /** What cannot be a name is not looked up: PostgreSQL would choke on some of it (U+0000). */
  async findByName(name: string): Promise<Experiment | undefined> {
    if (experimentNameProblem(name) !== null) {
      return undefined;
    }
    return this.first(await this.database.query<ExperimentRow>(`${SELECT} WHERE e.name = $1`, [name]));
  }

  /** By name, only those that the caller may see; `limit` is the most that are answered. */
  async list(options: {
    visible: 'all' | readonly number[];
    nameContains: string | undefined;
    afterName: string | undefined;
    limit: number;
  }): Promise<Experiment[]> {
    const rows = await this.database.query<ExperimentRow>(
      `${SELECT}
       WHERE ($1::int[] IS NULL OR e.id = ANY($1))
         AND ($2::text IS NULL OR position(lower($2) IN lower(e.name)) > 0)
         AND ($3::text IS NULL OR e.name > $3)
       ORDER BY e.name LIMIT $4`,
      [
        options.visible === 'all' ? null : options.visible,
        options.nameContains ?? null,
        options.afterName ?? null,
        options.limit,
      ],
    );
    return rows.map((row) => this.experimentOf(row));
  }

  async anyExists(): Promise<boolean> {
    return (await this.database.query(`SELECT 1 FROM experiment LIMIT 1`)).length > 0;
  }

  /** Creations run one after the other, until the transaction ends: each must see the directories of those before. */
  async lockCreation(tx: Sql): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock($1)`, [CREATION_LOCK]);
  }

  /** An experiment whose directory would contain the given one or lie within it. */
  async findOverlapping(tx: Sql, relativeDirectory: string): Promise<string | undefined> {
    const [row] = await tx.query<{ name: string }>(
      `SELECT name FROM (
         SELECT name, lower(concat_ws('/', station_name, root_path, name)) || '/' AS directory FROM experiment) e
       WHERE starts_with(directory, lower($1) || '/') OR starts_with(lower($1) || '/', directory)
       LIMIT 1`,
      [relativeDirectory],
    );
    return row?.name;
  }

  /** @throws StationError EXPERIMENT_EXISTS */
  async insert(tx: Sql, experiment: NewExperiment): Promise<Experiment> {
    try {
      const [row] = await tx.query<{ id: number }>(
        `INSERT INTO experiment (name, station_name, root_path, type_id, description, start_date, end_date)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
        [
          experiment.name,
          experiment.stationName,
          experiment.rootPath,
          experiment.typeId,
          experiment.description,
          experiment.startDate,
          experiment.endDate,
        ],
      );
      return (await this.findById((row as { id: number }).id, tx)) as Experiment;
    } catch (error) {
      throw driverCode(error) === UNIQUE_VIOLATION ? experimentExists(experiment.name, error) : error;
    }
  }

  /** Answers the experiment as it is now; it stays so, and nothing can refer to it anew, until the transaction ends. */
  async lock(tx: Sql, id: number): Promise<Experiment | undefined> {
    return this.first(await tx.query<ExperimentRow>(`${SELECT} WHERE e.id = $1 FOR UPDATE OF e`, [id]));
  }

  async update(tx: Sql, id: number, values: Partial<ExperimentValues>): Promise<Experiment> {
    await tx.query(
      `UPDATE experiment SET
         type_id = coalesce($2, type_id),
         description = coalesce($3, description),
         start_date = CASE WHEN $4 THEN $5::timestamptz ELSE start_date END,
         end_date = CASE WHEN $6 THEN $7::timestamptz ELSE end_date END,
         updated_at = now()
       WHERE id = $1`,
      [
        id,
        values.typeId ?? null,
        values.description ?? null,
        values.startDate !== undefined,
        values.startDate ?? null,
        values.endDate !== undefined,
        values.endDate ?? null,
      ],
    );
    return (await this.findById(id, tx)) as Experiment;
  }

  /** Whatever refers to the experiment (members, ledger, catalog rows) goes with it, by its foreign keys. */
  async delete(tx: Sql, id: number): Promise<void> {
    await tx.query(`DELETE FROM experiment WHERE id = $1`, [id]);
  }

  private first(rows: ExperimentRow[]): Experiment | undefined {
    return rows[0] === undefined ? undefined : this.experimentOf(rows[0]);
  }

  private experimentOf(row: ExperimentRow): Experiment {
    const place = { name: row.name, stationName: row.station_name, rootPath: row.root_path };
    return {
      id: row.id,
      ...place,
      type: row.type,
      description: row.description,
      startDate: row.start_date?.toISOString() ?? null,
      endDate: row.end_date?.toISOString() ?? null,
      ...directoriesOf(this.config.storage.root, place),
      createdAt: row.created_at.toISOString(),
      updatedAt: row.updated_at.toISOString(),
    };
  }
}
