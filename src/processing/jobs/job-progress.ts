import { Injectable } from '@nestjs/common';
import { Database, type Sql } from '../../platform/database/index.js';
import { EventLog, type NewEvent } from '../../platform/events/index.js';
import { jobFinished, jobStarted } from '../processing.events.js';
import type { Job, JobProcess, JobStatus, StageStatus } from './job.js';

/** The job is somebody else's now, or was ended otherwise: whoever sees this stops writing and touches nothing. */
export class JobLostError extends Error {
  constructor(job: Job) {
    super(`job ${job.id} is no longer ours (fence ${job.fence})`);
    this.name = 'JobLostError';
  }
}

export interface StageEnd {
  status: StageStatus;
  reason: string | null;
}

/**
 * How a job moves on. Every statement compares the fence and sets in one step, so two runners cannot both move a job;
 * the start of a process is on record before it is launched.
 */
@Injectable()
export class JobProgress {
  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
  ) {}

  /** pending → running. */
  async begin(job: Job): Promise<void> {
    await this.database.transaction(async (tx) => {
      const rows = await tx.query<{ startedAt: Date }>(
        `UPDATE job SET status = 'running', started_at = now() WHERE id = $1 AND fence = $2 AND status = 'pending'
         RETURNING started_at AS "startedAt"`,
        [job.id, job.fence],
      );
      await this.expectHeld(tx, job, rows);
      job.startedAt = rows[0]?.startedAt ?? null;
      await this.events.append(tx, [jobStarted(job)]);
    });
  }

  /** Writes the start of a process ahead. */
  async beginProcess(job: Job, process: JobProcess): Promise<void> {
    const rows = await this.database.query(
      `WITH held AS (
         UPDATE job SET stage = $3, not_before = NULL WHERE id = $1 AND fence = $2 AND status IN ('running', 'aborting')
         RETURNING id
       ), started AS (
         UPDATE job_stage SET status = 'running', started_at = coalesce(started_at, now())
         FROM held WHERE job_id = held.id AND key = $3
       ), written AS (
         INSERT INTO job_process (job_id, number, stage_key, launch, status, reference, command, working_dir, submitted_at, started_at)
         SELECT held.id, $4, $3, $5, 'running', $6, $7, $8, $9, now() FROM held
         ON CONFLICT (job_id, number) DO UPDATE SET launch = excluded.launch, reference = excluded.reference, started_at = excluded.started_at
       )
       SELECT id FROM held`,
      [
        job.id,
        job.fence,
        process.stageKey,
        process.number,
        process.launch,
        JSON.stringify(process.reference),
        process.command,
        process.workingDir,
        process.submittedAt,
      ],
    );
    await this.expectHeld(this.database, job, rows);
  }

  /** Writes the end of a process, what was found in its output and, when it decides that, the end of its stage. */
  async endProcess(job: Job, process: JobProcess, outputs: Record<string, string>, stageEnd?: StageEnd): Promise<void> {
    const rows = await this.database.query(
      `WITH held AS (
         UPDATE job SET outputs = outputs || $3 WHERE id = $1 AND fence = $2 AND status IN ('running', 'aborting')
         RETURNING id
       ), ended AS (
         UPDATE job_process SET status = $5, exit_status = $6, reason = $7, stdout_tail = $8, stderr_tail = $9,
           stdout_bytes = $10, stderr_bytes = $11, is_truncated = $12, started_at = coalesce($13, started_at), ended_at = $14
         FROM held WHERE job_id = held.id AND number = $4
       ), stage AS (
         UPDATE job_stage SET status = $16, reason = $17, ended_at = now()
         FROM held WHERE job_id = held.id AND key = $15 AND $16::text IS NOT NULL
       )
       SELECT id FROM held`,
      [
        job.id,
        job.fence,
        JSON.stringify(outputs),
        process.number,
        process.status,
        process.exitStatus,
        process.reason,
        process.stdoutTail,
        process.stderrTail,
        process.stdoutBytes,
        process.stderrBytes,
        process.isTruncated,
        process.startedAt,
        process.endedAt,
        process.stageKey,
        stageEnd?.status ?? null,
        stageEnd?.reason ?? null,
      ],
    );
    await this.expectHeld(this.database, job, rows);
  }

  /** Ends a stage that has no process of its own to write about: skipped, or decided without one. */
  async endStage(job: Job, key: string, end: StageEnd): Promise<void> {
    const rows = await this.database.query(
      `WITH held AS (
         UPDATE job SET stage = $3 WHERE id = $1 AND fence = $2 AND status IN ('running', 'aborting') RETURNING id
       ), stage AS (
         UPDATE job_stage SET status = $4, reason = $5, started_at = coalesce(started_at, now()), ended_at = now()
         FROM held WHERE job_id = held.id AND key = $3
       )
       SELECT id FROM held`,
      [job.id, job.fence, key, end.status, end.reason],
    );
    await this.expectHeld(this.database, job, rows);
  }

  /** To a final status, or to `finalizing`; lets the job go. `more` commits with it. */
  async finish(
    job: Job,
    from: JobStatus,
    to: JobStatus,
    reason: string | null,
    more: readonly NewEvent[] = [],
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      const rows = await tx.query<{ endedAt: Date | null }>(
        `UPDATE job SET status = $4, reason = $5, lease_owner = NULL, lease_until = NULL, not_before = NULL,
           ended_at = CASE WHEN $4 = 'finalizing' THEN NULL ELSE now() END
         WHERE id = $1 AND fence = $2 AND status = $3 RETURNING ended_at AS "endedAt"`,
        [job.id, job.fence, from, to, reason],
      );
      await this.expectHeld(tx, job, rows);
      Object.assign(job, { status: to, reason, endedAt: rows[0]?.endedAt ?? null });
      await this.events.append(tx, [...more, ...(to === 'finalizing' ? [] : [jobFinished(job)])]);
    });
  }

  /** Something to know about a job that is still under way. */
  async note(job: Job, reason: string): Promise<void> {
    await this.database.query(`UPDATE job SET reason = $3 WHERE id = $1 AND fence = $2`, [job.id, job.fence, reason]);
  }

  private async expectHeld(sql: Sql, job: Job, rows: readonly unknown[]): Promise<void> {
    if (rows.length > 0) {
      return;
    }
    const [now] = await sql.query<{ fence: string; status: JobStatus }>(`SELECT fence, status FROM job WHERE id = $1`, [
      job.id,
    ]);
    if (now?.fence === job.fence && now.status === 'aborting') {
      throw new JobStopRequestedError();
    }
    throw new JobLostError(job);
  }
}

/** A stop came between two steps; the runner ends the job as aborted. */
export class JobStopRequestedError extends Error {
  constructor() {
    super('a stop was asked for');
    this.name = 'JobStopRequestedError';
  }
}
