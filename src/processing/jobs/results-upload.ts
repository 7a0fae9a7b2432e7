import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/database/index.js';
import { EventLog, type StationEvent } from '../../platform/events/index.js';
import { acquisitionFinishedSchema, jobFinished } from '../processing.events.js';
import { ProcessingMetrics } from '../processing.metrics.js';
import type { Job } from './job.js';
import { JOB_COLUMNS } from './job-columns.js';

/** Ends jobs whose results have been uploaded, or could not be. */
@Injectable()
export class ResultsUpload implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly metrics: ProcessingMetrics,
  ) {}

  onModuleInit(): void {
    this.events.subscribe('processing.results', ['acquisition.finished'], (events) => this.take(events));
  }

  private async take(events: readonly StationEvent[]): Promise<void> {
    const ended = await this.database.transaction(async (tx) => {
      const jobs: Job[] = [];
      for (const event of events) {
        const finished = acquisitionFinishedSchema.safeParse(event.data);
        if (finished.success && typeof finished.data.jobId === 'string') {
          const { jobId, acquisitionId, status, errorMessage } = finished.data;
          const reason = status === 'done' ? null : uploadFailure(acquisitionId, status, errorMessage);
          jobs.push(...(await this.end(tx, jobId, acquisitionId, reason)));
        }
      }
      return jobs;
    });
    ended.forEach((job) => this.metrics.jobEnded(job));
  }

  private async end(
    tx: Transaction,
    jobId: string,
    acquisitionId: string | null,
    reason: string | null,
  ): Promise<Job[]> {
    const jobs = await tx.query<Job>(
      `UPDATE job SET status = $3, reason = $4, results_acquisition_id = $2, ended_at = now()
       WHERE id::text = $1 AND status = 'finalizing' RETURNING ${JOB_COLUMNS}`,
      [jobId, acquisitionId, reason === null ? 'done' : 'failed', reason],
    );
    await this.events.append(tx, jobs.map(jobFinished));
    return jobs;
  }
}

function uploadFailure(acquisitionId: string | null, status: string, errorMessage: string | null | undefined): string {
  const upload = acquisitionId === null ? '' : ` (acquisition ${acquisitionId})`;
  return `The upload of its results${upload} ended as ${status}${errorMessage ? `: ${errorMessage}` : ''}.`;
}
