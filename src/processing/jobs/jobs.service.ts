import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { StationError } from '../../kernel/errors.js';
import { AccessService, type Principal } from '../../auth/index.js';
import { type Experiment, ExperimentsService } from '../../experiments/index.js';
import { Database } from '../../platform/database/index.js';
import { EventLog } from '../../platform/events/index.js';
import { decodeCursor, type Page, pageOf } from '../../platform/http/index.js';
import { WorkflowsService } from '../definitions/workflows.service.js';
import { jobFinished } from '../processing.events.js';
import { experimentFacts, givenFileFacts, type JobFacts } from './file-facts.js';
import { ENDED_STATUSES, type Job } from './job.js';
import { JOB_COLUMNS } from './job-columns.js';
import { jobNotFound } from './job.errors.js';
import { JobRunner } from './job-runner.js';
import { JobSubmission } from './job-submission.js';
import { JobRepository, type JobVisibility } from './job.repository.js';
import type { JobListQuery, StartJob } from './job.schema.js';
import { jobSummary, type JobSummary, jobView, type JobView } from './job.view.js';
import { type JobWhy, whyJob } from './job-why.js';

const cursorSchema = z.string().regex(/^\d{1,18}$/);

/** What people and machines do with jobs over the interface. */
@Injectable()
export class JobsService {
  constructor(
    private readonly database: Database,
    private readonly access: AccessService,
    private readonly experiments: ExperimentsService,
    private readonly workflows: WorkflowsService,
    private readonly repository: JobRepository,
    private readonly submission: JobSubmission,
    private readonly runner: JobRunner,
    private readonly events: EventLog,
  ) {}

  async start(principal: Principal, request: StartJob): Promise<JobView> {
    const workflow = await this.workflows.get(principal, request.workflow.owner, request.workflow.name);
    const experiment =
      request.experiment === undefined ? undefined : await this.experiments.getByName(principal, request.experiment);
    await this.access.require(principal, 'job.start', experiment === undefined ? {} : { experimentId: experiment.id });
    const isUnbounded = (await this.access.can(principal, 'job.start')).allowed;
    const owner = request.owner ?? principal.username;
    if (owner !== principal.username && !isUnbounded) {
      throw new StationError(
        'forbidden',
        'JOB_OWNER_NOT_ALLOWED',
        'Only the station manager starts jobs in the name of others; leave out owner.',
      );
    }
    if (workflow.definition.results !== undefined && experiment === undefined) {
      throw new StationError(
        'invalid',
        'EXPERIMENT_REQUIRED',
        'This workflow uploads results into an experiment; name one.',
      );
    }
    const requestKey = request.requestKey === undefined ? null : `user:${principal.username}:${request.requestKey}`;
    const facts = await this.facts(request, experiment, isUnbounded);
    const id = await this.database.transaction((tx) =>
      this.submission.submit(tx, {
        requestKey,
        workflow,
        owner,
        requestedBy: principal.username,
        experiment: experiment === undefined ? null : { id: experiment.id, name: experiment.name },
        args: request.args,
        facts,
        input: null,
        triggerDepth: 1,
      }),
    );
    const job =
      id === undefined ? await this.repository.findByRequestKey(requestKey ?? '') : await this.repository.find(id);
    if (job === undefined) {
      throw jobNotFound(id ?? '');
    }
    return this.view(job);
  }

  async list(principal: Principal, query: JobListQuery): Promise<Page<JobSummary>> {
    await this.access.require(principal, 'job.read');
    const [workflowOwner, workflow] = query.workflow?.includes('/')
      ? query.workflow.split('/', 2)
      : [undefined, query.workflow];
    const jobs = await this.repository.list(await this.visibility(principal), {
      ...query,
      workflow,
      workflowOwner,
      beforeSeq: decodeCursor(query.cursor, cursorSchema),
      limit: query.limit + 1,
    });
    const page = pageOf(jobs, query.limit, (last) => last.seq);
    return { ...page, items: page.items.map(jobSummary) };
  }

  async get(principal: Principal, id: string): Promise<JobView> {
    return this.view(await this.visible(principal, id));
  }

  async why(principal: Principal, id: string): Promise<JobWhy> {
    const job = await this.visible(principal, id);
    const [stages, processes] = await Promise.all([this.repository.stages(id), this.repository.processes(id)]);
    return whyJob(job, stages, processes, new Date());
  }

  /**
   * Asks for a stop. A job that runs is `aborting` until its last process has gone, then `aborted`; one that waits is
   * `aborted` at once. Asking again changes nothing.
   *
   * @throws StationError JOB_ENDED for a job that has ended.
   */
  async stop(principal: Principal, id: string): Promise<JobView> {
    const visible = await this.visible(principal, id);
    await this.access.require(principal, 'job.control', {
      ownerUsername: visible.owner,
      ...(visible.experimentId === null ? {} : { experimentId: visible.experimentId }),
    });
    const job = await this.database.transaction(async (tx) => {
      const [stopped] = await tx.query<Job>(
        `UPDATE job SET
           status = CASE WHEN is_idle THEN 'aborted' ELSE 'aborting' END,
           ended_at = CASE WHEN is_idle THEN now() END,
           reason = CASE WHEN is_idle THEN 'Stopped by ' || $2 || '.' END,
           stopped_by = $2
         FROM (SELECT id AS job_id, status = 'finalizing' OR (status = 'pending' AND (lease_until IS NULL OR lease_until < now())) AS is_idle
               FROM job WHERE id = $1 AND status IN ('pending', 'running', 'finalizing') FOR UPDATE) AS found
         WHERE id = found.job_id RETURNING ${JOB_COLUMNS}`,
        [id, principal.username],
      );
      if (stopped?.status === 'aborted') {
        await this.events.append(tx, [jobFinished(stopped)]);
      }
      return stopped ?? (await this.repository.find(id, 'all', tx));
    });
    if (job === undefined) {
      throw jobNotFound(id);
    }
    if (ENDED_STATUSES.includes(job.status) && job.stoppedBy === null) {
      throw new StationError('conflict', 'JOB_ENDED', `Job ${id} has ended already: it is ${job.status}.`, {
        details: { status: job.status },
      });
    }
    this.runner.requestStop(id);
    return this.view(job);
  }

  private async facts(
    request: StartJob,
    experiment: Experiment | undefined,
    mayUseAnyFile: boolean,
  ): Promise<JobFacts> {
    const { filePath } = request.args;
    if (filePath !== undefined && typeof filePath !== 'string') {
      throw new StationError('invalid', 'PATH_TEXT_INVALID', 'filePath must be text: a path in its text form.');
    }
    return {
      ...(experiment === undefined ? {} : experimentFacts(experiment)),
      ...(filePath === undefined ? {} : await givenFileFacts(filePath, experiment, mayUseAnyFile)),
    };
  }

  private async visible(principal: Principal, id: string): Promise<Job> {
    await this.access.require(principal, 'job.read');
    const job = await this.repository.find(id, await this.visibility(principal));
    if (job === undefined) {
      throw jobNotFound(id);
    }
    return job;
  }

  private async visibility(principal: Principal): Promise<JobVisibility> {
    return { experimentIds: await this.access.visibleExperiments(principal), username: principal.username };
  }

  private async view(job: Job): Promise<JobView> {
    const [stages, processes] = await Promise.all([this.repository.stages(job.id), this.repository.processes(job.id)]);
    return jobView(job, stages, processes);
  }
}
