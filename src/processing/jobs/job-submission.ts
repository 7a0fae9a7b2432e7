import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import type { Transaction } from '../../platform/database/index.js';
import { EventLog } from '../../platform/events/index.js';
import { QUEUE, type WorkQueue } from '../../platform/queue/index.js';
import type { Workflow } from '../definitions/workflow.repository.js';
import { jobSubmitted } from '../processing.events.js';
import { type JobFacts } from './file-facts.js';
import type { JobInput } from './job.js';
import { JobRepository, type NewJob } from './job.repository.js';
import { JobRunner } from './job-runner.js';
import { jobVariables } from './job-variables.js';

export interface Submission {
  requestKey: string | null;
  workflow: Workflow;
  owner: string;
  requestedBy: string;
  experiment: { id: number; name: string } | null;
  args: Record<string, unknown>;
  facts: JobFacts;
  input: JobInput | null;
  triggerDepth: number;
}

/** Makes jobs, whoever asks for them: a row and its event in one transaction, then a hint to the workers. */
@Injectable()
export class JobSubmission {
  private readonly logger = new Logger(JobSubmission.name);

  constructor(
    private readonly repository: JobRepository,
    private readonly events: EventLog,
    private readonly runner: JobRunner,
    @Inject(QUEUE) private readonly queue: WorkQueue,
  ) {}

  /**
   * @returns the new job's id; undefined when this request key was honoured before.
   * @throws StationError ARGUMENT_INVALID, PATH_TEXT_INVALID for arguments that no command can receive.
   */
  async submit(tx: Transaction, submission: Submission): Promise<string | undefined> {
    const { workflow, experiment, ...given } = submission;
    jobVariables({ facts: given.facts, args: given.args, outputs: {} }, {});
    const job: NewJob = {
      ...given,
      id: randomUUID(),
      workflowId: workflow.id,
      workflowOwner: workflow.owner,
      workflowName: workflow.name,
      definition: workflow.definition,
      experimentId: experiment?.id ?? null,
      experimentName: experiment?.name ?? null,
    };
    if (!(await this.repository.insert(tx, job))) {
      return undefined;
    }
    await this.events.append(tx, [jobSubmitted(job)]);
    tx.afterCommit(() => this.hint(job.id));
    return job.id;
  }

  /** The runner of this process looks at once; workers elsewhere hear of it through the queue, or find it themselves. */
  private hint(jobId: string): void {
    this.runner.wake();
    this.queue.add('stage', [{ id: jobId, data: { v: 1, jobId } }]).catch((error: unknown) => {
      this.logger.debug(`no hint for job ${jobId}: ${messageOf(error)}`);
    });
  }
}
