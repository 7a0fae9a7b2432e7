import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/index.js';
import { ExperimentsModule } from '../experiments/index.js';
import { WorkflowRepository } from './definitions/workflow.repository.js';
import { WorkflowsController } from './definitions/workflows.controller.js';
import { WorkflowsService } from './definitions/workflows.service.js';
import { ExperimentJobs } from './jobs/experiment-jobs.js';
import { JobClaims } from './jobs/job-claims.js';
import { JobProgress } from './jobs/job-progress.js';
import { JobRunner } from './jobs/job-runner.js';
import { JobSubmission } from './jobs/job-submission.js';
import { JobRepository } from './jobs/job.repository.js';
import { JobsController } from './jobs/jobs.controller.js';
import { JobsService } from './jobs/jobs.service.js';
import { ResultsUpload } from './jobs/results-upload.js';
import { WorkflowRequests } from './jobs/workflow-requests.js';
import { LAUNCHER } from './launcher/launcher.port.js';
import { LocalLauncher } from './launcher/local-launcher.js';
import { ProcessingMetrics } from './processing.metrics.js';

/** Workflow definitions, and the jobs that run them. */
@Module({
  imports: [AuthModule, ExperimentsModule],
  controllers: [WorkflowsController, JobsController],
  providers: [
    { provide: LAUNCHER, useClass: LocalLauncher },
    WorkflowRepository,
    WorkflowsService,
    JobRepository,
    JobClaims,
    JobProgress,
    ProcessingMetrics,
    JobRunner,
    JobSubmission,
    JobsService,
    WorkflowRequests,
    ResultsUpload,
    ExperimentJobs,
  ],
  exports: [WorkflowsService, JobsService],
})
export class ProcessingModule {}
