import { Injectable } from '@nestjs/common';
import { Database, type Sql } from '../../platform/database/index.js';
import { stageSteps } from '../definitions/workflow-definition.schema.js';
import type { Job, JobProcess, JobStage, JobStatus } from './job.js';
import { JOB_COLUMNS, PROCESS_COLUMNS, STAGE_COLUMNS } from './job-columns.js';

export type NewJob = Pick<
  Job,
  | 'id'
  | 'requestKey'
  | 'owner'
  | 'requestedBy'
  | 'workflowId'
  | 'workflowOwner'
  | 'workflowName'
  | 'definition'
  | 'experimentId'
  | 'experimentName'
  | 'args'
  | 'facts'
  | 'input'
  | 'triggerDepth'
>;

/** Whose jobs may be seen: those of these experiments, and one's own. */
export interface JobVisibility {
  experimentIds: 'all' | readonly number[];
  username: string;
}

export interface JobFilter {
  status?: JobStatus | undefined;
  workflow?: string | undefined;
  workflowOwner?: string | undefined;
  owner?: string | undefined;
  experiment?: string | undefined;
  /** Only jobs older than this place in the list. */
  beforeSeq?: string | undefined;
  limit: number;
}

/** Jobs as they are submitted and looked at; running them is the business of `JobClaims` and `JobProgress`. */
@Injectable()
export class JobRepository {
  constructor(private readonly database: Database) {}

  /** @returns false when a job with this request key exists: the request was honoured before. */
  async insert(sql: Sql, job: NewJob): Promise<boolean> {
    const steps = stageSteps(job.definition);
    const rows = await sql.query<{ id: string }>(
      `WITH made AS (
         INSERT INTO job (id, request_key, owner, requested_by, workflow_id, workflow_owner, workflow_name, definition,
                          experiment_id, experiment_name, args, facts, input, trigger_depth)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (request_key) DO NOTHING
         RETURNING id
       ), stages AS (
         INSERT INTO job_stage (job_id, key, position)
         SELECT made.id, step.key, step.position FROM made, unnest($15::text[]) WITH ORDINALITY AS step (key, position)
       )
       SELECT id FROM made`,
      [
        job.id,
        job.requestKey,
        job.owner,
        job.requestedBy,
        job.workflowId,
        job.workflowOwner,
        job.workflowName,
        JSON.stringify(job.definition),
        job.experimentId,
        job.experimentName,
        JSON.stringify(job.args),
        JSON.stringify(job.facts),
        job.input === null ? null : JSON.stringify(job.input),
        job.triggerDepth,
        steps.map((step) => step.key),
      ],
    );
    return rows.length > 0;
  }

  async find(
    id: string,
    visibility: JobVisibility | 'all' = 'all',
    sql: Sql = this.database,
  ): Promise<Job | undefined> {
    const [experimentIds, username] = visibilityParameters(visibility);
    const [job] = await sql.query<Job>(
      `SELECT ${JOB_COLUMNS} FROM job
       WHERE id = $1 AND ($2::int[] IS NULL OR experiment_id = ANY($2) OR (experiment_id IS NULL AND owner = $3))`,
      [id, experimentIds, username],
    );
    return job;
  }

  async findByRequestKey(requestKey: string): Promise<Job | undefined> {
    const [job] = await this.database.query<Job>(`SELECT ${JOB_COLUMNS} FROM job WHERE request_key = $1`, [requestKey]);
    return job;
  }

  /** Newest first. */
  list(visibility: JobVisibility, filter: JobFilter): Promise<Job[]> {
    const [experimentIds, username] = visibilityParameters(visibility);
    return this.database.query<Job>(
      `SELECT ${JOB_COLUMNS} FROM job
       WHERE ($1::int[] IS NULL OR experiment_id = ANY($1) OR (experiment_id IS NULL AND owner = $2))
         AND ($3::text IS NULL OR status = $3)
         AND ($4::text IS NULL OR workflow_name = $4)
         AND ($5::text IS NULL OR workflow_owner = $5)
         AND ($6::text IS NULL OR owner = $6)
         AND ($7::text IS NULL OR experiment_name = $7)
         AND ($8::bigint IS NULL OR seq < $8)
       ORDER BY seq DESC LIMIT $9`,
      [
        experimentIds,
        username,
        filter.status ?? null,
        filter.workflow ?? null,
        filter.workflowOwner ?? null,
        filter.owner ?? null,
        filter.experiment ?? null,
        filter.beforeSeq ?? null,
        filter.limit,
      ],
    );
  }

  stages(jobId: string): Promise<JobStage[]> {
    return this.database.query<JobStage>(`SELECT ${STAGE_COLUMNS} FROM job_stage WHERE job_id = $1 ORDER BY position`, [
      jobId,
    ]);
  }

  processes(jobId: string): Promise<JobProcess[]> {
    return this.database.query<JobProcess>(
      `SELECT ${PROCESS_COLUMNS} FROM job_process WHERE job_id = $1 ORDER BY number`,
      [jobId],
    );
  }

  /** Number of jobs that have not ended, by status. */
  async activeCounts(): Promise<Map<JobStatus, number>> {
    const rows = await this.database.query<{ status: JobStatus; count: number }>(
      `SELECT status, count(*)::int AS count FROM job
       WHERE status IN ('pending', 'running', 'finalizing', 'aborting') GROUP BY status`,
    );
    return new Map(rows.map((row) => [row.status, row.count]));
  }
}

function visibilityParameters(visibility: JobVisibility | 'all'): [readonly number[] | null, string] {
  if (visibility === 'all') {
    return [null, ''];
  }
  return [visibility.experimentIds === 'all' ? null : visibility.experimentIds, visibility.username];
}
