import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { METRICS } from '../platform/metrics/index.js';
import type { Job, JobProcess } from './jobs/job.js';
import { JobRepository } from './jobs/job.repository.js';

const ACTIVE_STATUSES = ['pending', 'running', 'finalizing', 'aborting'] as const;

/** Metrics of this module. No label names a user, an experiment, a workflow or a file. */
@Injectable()
export class ProcessingMetrics {
  private readonly jobsEnded: Counter<'status'>;
  private readonly processSeconds: Histogram<'status'>;

  constructor(@Inject(METRICS) registry: Registry, repository: JobRepository) {
    this.jobsEnded = new Counter({
      name: 'dm_processing_jobs_ended_total',
      help: 'Jobs that ended, by final status',
      labelNames: ['status'] as const,
      registers: [registry],
    });
    this.processSeconds = new Histogram({
      name: 'dm_processing_stage_seconds',
      help: 'Run time of the processes of stages, by how they ended',
      labelNames: ['status'] as const,
      buckets: [0.01, 0.05, 0.25, 1, 5, 30, 120, 600, 3600, 21_600],
      registers: [registry],
    });
    new Gauge({
      name: 'dm_processing_jobs_active',
      help: 'Jobs that have not ended, by status',
      labelNames: ['status'] as const,
      registers: [registry],
      async collect() {
        // Without its database the station still answers what it can.
        const counts = await repository.activeCounts().catch(() => undefined);
        for (const status of counts === undefined ? [] : ACTIVE_STATUSES) {
          this.set({ status }, counts?.get(status) ?? 0);
        }
      },
    });
  }

  jobEnded(job: Pick<Job, 'status'>): void {
    if (job.status === 'done' || job.status === 'failed' || job.status === 'aborted') {
      this.jobsEnded.inc({ status: job.status });
    }
  }

  processEnded(process: JobProcess): void {
    if (process.startedAt !== null && process.endedAt !== null) {
      this.processSeconds.observe(
        { status: process.status },
        (process.endedAt.getTime() - process.startedAt.getTime()) / 1000,
      );
    }
  }
}
