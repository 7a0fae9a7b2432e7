import { Injectable } from '@nestjs/common';
import { driverCode } from '../../kernel/errors.js';
import { Database, type Sql, UNIQUE_VIOLATION } from '../../platform/database/index.js';
import type { WorkflowDefinition } from './workflow-definition.schema.js';

export interface Workflow {
  /** 24 hex digits. */
  id: string;
  owner: string;
  name: string;
  definition: WorkflowDefinition;
  /** Grows with each change. */
  revision: number;
  createdAt: Date;
  updatedAt: Date;
  updatedBy: string;
}

const COLUMNS = `id, owner, name, definition, revision, created_at AS "createdAt", updated_at AS "updatedAt", updated_by AS "updatedBy"`;

@Injectable()
export class WorkflowRepository {
  constructor(private readonly database: Database) {}

  async find(owner: string, name: string, sql: Sql = this.database): Promise<Workflow | undefined> {
    const [workflow] = await sql.query<Workflow>(`SELECT ${COLUMNS} FROM workflow WHERE owner = $1 AND name = $2`, [
      owner,
      name,
    ]);
    return workflow;
  }

  /** By owner and name. */
  list(
    after: readonly [owner: string, name: string] | undefined,
    owner: string | undefined,
    limit: number,
  ): Promise<Workflow[]> {
    return this.database.query<Workflow>(
      `SELECT ${COLUMNS} FROM workflow
       WHERE ($1::text IS NULL OR (owner COLLATE "C", name COLLATE "C") > ($1, $2)) AND ($3::text IS NULL OR owner = $3)
       ORDER BY owner COLLATE "C", name COLLATE "C" LIMIT $4`,
      [after?.[0] ?? null, after?.[1] ?? null, owner ?? null, limit],
    );
  }

  /** @returns undefined when the owner has a workflow of this name. */
  async insert(id: string, owner: string, definition: WorkflowDefinition, by: string): Promise<Workflow | undefined> {
    try {
      const [workflow] = await this.database.query<Workflow>(
        `INSERT INTO workflow (id, owner, name, definition, updated_by) VALUES ($1, $2, $3, $4, $5) RETURNING ${COLUMNS}`,
        [id, owner, definition.name, JSON.stringify(definition), by],
      );
      return workflow;
    } catch (error) {
      if (driverCode(error) === UNIQUE_VIOLATION) {
        return undefined;
      }
      throw error;
    }
  }

  async put(id: string, owner: string, definition: WorkflowDefinition, by: string): Promise<Workflow> {
    const [workflow] = await this.database.query<Workflow>(
      `INSERT INTO workflow (id, owner, name, definition, updated_by) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (owner, name) DO UPDATE SET definition = excluded.definition, updated_by = excluded.updated_by,
         updated_at = now(), revision = workflow.revision + 1
       RETURNING ${COLUMNS}`,
      [id, owner, definition.name, JSON.stringify(definition), by],
    );
    if (workflow === undefined) {
      throw new Error('an upsert answered no row');
    }
    return workflow;
  }

  async delete(owner: string, name: string): Promise<boolean> {
    const rows = await this.database.query(`DELETE FROM workflow WHERE owner = $1 AND name = $2 RETURNING id`, [
      owner,
      name,
    ]);
    return rows.length > 0;
  }
}
