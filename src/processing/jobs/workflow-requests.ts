import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { messageOf, StationError } from '../../kernel/errors.js';
import { ExperimentsService } from '../../experiments/index.js';
import { Alarms } from '../../platform/alarms/index.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database, type Transaction } from '../../platform/database/index.js';
import { EventLog, type StationEvent } from '../../platform/events/index.js';
import { workflowAlarmKeys } from '../definitions/workflow-alarms.js';
import { type Workflow, WorkflowRepository } from '../definitions/workflow.repository.js';
import { type WorkflowRequested, workflowRefused, workflowRequestedSchema } from '../processing.events.js';
import { acquiredFileFacts, experimentFacts } from './file-facts.js';
import { JobSubmission } from './job-submission.js';

/** Starts the workflows that acquisitions ask for, one job per request key however often the request comes. */
@Injectable()
export class WorkflowRequests implements OnModuleInit {
  private readonly logger = new Logger(WorkflowRequests.name);

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly alarms: Alarms,
    private readonly experiments: ExperimentsService,
    private readonly workflows: WorkflowRepository,
    private readonly submission: JobSubmission,
  ) {}

  onModuleInit(): void {
    this.events.subscribe('processing.workflow-requests', ['workflow.requested'], (events) => this.take(events));
  }

  private async take(events: readonly StationEvent[]): Promise<void> {
    try {
      await this.database.transaction(async (tx) => {
        for (const event of events) {
          await this.takeOne(tx, event);
        }
      });
    } catch (error) {
      if (error instanceof StationError && error.retryable) {
        throw error;
      }
      await this.takeOneByOne(events);
    }
  }

  /** Something in the batch cannot be written: find it, and let it not hold up what stands behind it. */
  private async takeOneByOne(events: readonly StationEvent[]): Promise<void> {
    for (const event of events) {
      try {
        await this.database.transaction((tx) => this.takeOne(tx, event));
      } catch (error) {
        if (error instanceof StationError && error.retryable) {
          throw error;
        }
        this.logger.error(`no job for event ${event.id} (workflow.requested): ${messageOf(error)}`);
      }
    }
  }

  private async takeOne(tx: Transaction, event: StationEvent): Promise<void> {
    const request = workflowRequestedSchema.safeParse(event.data);
    if (request.success) {
      await this.honour(tx, request.data);
    } else {
      this.logger.error(`event ${event.id} (workflow.requested) cannot be read: ${request.error.message}`);
    }
  }

  private async honour(tx: Transaction, request: WorkflowRequested): Promise<void> {
    const workflow = await this.workflows.find(request.owner, request.workflow, tx);
    if (workflow === undefined) {
      await this.refuseMissing(tx, request);
      return;
    }
    const triggerDepth = request.file.depth + 1;
    if (request.file.depth > 0 && workflow.definition.acceptsJobOutput !== true) {
      const reason = 'The file was made by a job, and the definition does not say acceptsJobOutput.';
      await this.events.append(tx, [workflowRefused(request, 'JOB_OUTPUT_NOT_ACCEPTED', reason)]);
    } else if (triggerDepth > this.config.processing.maxTriggerDepth) {
      await this.refuseCycle(tx, request);
    } else {
      await this.submit(tx, request, workflow, triggerDepth);
    }
  }

  private async submit(
    tx: Transaction,
    request: WorkflowRequested,
    workflow: Workflow,
    triggerDepth: number,
  ): Promise<void> {
    const experiment = await this.experiments.findById(request.experimentId);
    if (experiment === undefined) {
      this.logger.warn(`workflow request ${request.requestKey} is of an experiment that is no longer there`);
      return;
    }
    try {
      await this.submission.submit(tx, {
        requestKey: request.requestKey,
        workflow,
        owner: request.jobOwner,
        requestedBy: request.requestedBy ?? request.jobOwner,
        experiment: { id: experiment.id, name: experiment.name },
        args: request.args,
        facts: { ...experimentFacts(experiment), ...acquiredFileFacts(request.file) },
        input: {
          ledgerId: request.file.ledgerId,
          catalogId: request.file.catalogId ?? null,
          path: request.file.path,
          version: request.file.version,
        },
        triggerDepth,
      });
    } catch (error) {
      if (!(error instanceof StationError) || error.retryable) {
        throw error;
      }
      await this.events.append(tx, [workflowRefused(request, error.code, messageOf(error))]);
    }
  }

  private async refuseMissing(tx: Transaction, request: WorkflowRequested): Promise<void> {
    const name = `${request.owner}/${request.workflow}`;
    await this.events.append(tx, [workflowRefused(request, 'WORKFLOW_NOT_FOUND', `There is no workflow ${name}.`)]);
    await this.alarms.raise(
      {
        key: workflowAlarmKeys(request.owner, request.workflow).missing,
        severity: 'warning',
        message: `Files of ${request.experimentName} ask for the workflow ${name}, which does not exist.`,
        action: `Define ${name} and start it on the files concerned, or restart the acquisition without it.`,
        experimentId: request.experimentId,
      },
      tx,
    );
  }

  private async refuseCycle(tx: Transaction, request: WorkflowRequested): Promise<void> {
    const { maxTriggerDepth } = this.config.processing;
    const name = `${request.owner}/${request.workflow}`;
    const message = `The workflow ${name} keeps starting on what jobs make: no job for ${request.file.path}, whose depth is ${request.file.depth} (processing.maxTriggerDepth is ${maxTriggerDepth}).`;
    await this.events.append(tx, [workflowRefused(request, 'TRIGGER_DEPTH_REACHED', message)]);
    await this.alarms.raise(
      {
        key: workflowAlarmKeys(request.owner, request.workflow).cycle,
        severity: 'warning',
        message,
        action: `Let ${name} write its results where the acquisition's patterns do not match, or remove acceptsJobOutput from it.`,
        experimentId: request.experimentId,
      },
      tx,
    );
  }
}
