import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ExperimentUsage } from '../../experiments/index.js';

/** Keeps an experiment from being deleted under its jobs; jobs that have ended stay, without it. */
@Injectable()
export class ExperimentJobs implements OnModuleInit {
  constructor(private readonly usage: ExperimentUsage) {}

  onModuleInit(): void {
    this.usage.register(async (experimentId, sql) => {
      const jobs = await sql.query<{ id: string; status: string }>(
        `SELECT id, status FROM job WHERE experiment_id = $1 AND status IN ('pending', 'running', 'finalizing', 'aborting') LIMIT 10`,
        [experimentId],
      );
      return jobs.map((job) => ({ kind: 'active', what: `a job that has not ended (${job.id}, ${job.status})` }));
    });
  }
}
