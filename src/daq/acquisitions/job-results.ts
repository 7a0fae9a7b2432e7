import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { SYSTEM_PRINCIPAL } from '../../auth/index.js';
import { ExperimentsService } from '../../experiments/index.js';
import { messageOf, StationError } from '../../kernel/errors.js';
import { Database } from '../../platform/database/index.js';
import { EventLog, type StationEvent } from '../../platform/events/index.js';
import { startAcquisitionBody } from './acquisition.schema.js';
import { AcquisitionsService } from './acquisitions.service.js';

const resultsReady = z.object({
  jobId: z.uuid(),
  experimentId: z.number().int(),
  /** Absolute, text form. */
  directory: z.string(),
  destDirectory: z.string().optional(),
  depth: z.number().int(),
  metadata: z.record(z.string(), z.unknown()).default({}),
  /** The workflow that the results ask for, where the job's definition accepts what jobs make. */
  workflow: startAcquisitionBody.shape.workflow,
});

/** Results of a job come back as files of its experiment: by an upload like any other, with the job as its origin. */
@Injectable()
export class JobResults implements OnModuleInit {
  private readonly logger = new Logger(JobResults.name);

  constructor(
    private readonly events: EventLog,
    private readonly database: Database,
    private readonly experiments: ExperimentsService,
    private readonly acquisitions: AcquisitionsService,
  ) {}

  onModuleInit(): void {
    this.events.subscribe('daq.job-results', ['results.ready'], async (events) => {
      for (const event of events) {
        await this.upload(event);
      }
    });
  }

  private async upload(event: StationEvent): Promise<void> {
    const parsed = resultsReady.safeParse(event.data);
    if (!parsed.success) {
      // Retrying would not make it readable, and would hold up every event behind it.
      this.logger.error(`event ${event.id} (results.ready) is not understood: ${z.prettifyError(parsed.error)}`);
      return;
    }
    const request = parsed.data;
    const [known] = await this.database.query(`SELECT 1 FROM acquisition WHERE job_id = $1 LIMIT 1`, [request.jobId]);
    if (known !== undefined) {
      return; // the event came twice
    }
    const experiment = await this.experiments.findById(request.experimentId);
    try {
      if (experiment === undefined) {
        throw new StationError('not-found', 'EXPERIMENT_NOT_FOUND', 'The experiment of the job is gone.');
      }
      const body = startAcquisitionBody.parse({
        kind: 'upload',
        experiment: experiment.name,
        dataDirectory: request.directory,
        ...(request.destDirectory === undefined ? {} : { destDirectory: request.destDirectory }),
        useAnalysisDirectoryAsRoot: true,
        processHidden: true,
        quietSeconds: 0, // the job has ended: nothing writes there any more
        metadata: { ...request.metadata, jobId: request.jobId },
        ...(request.workflow === undefined ? {} : { workflow: request.workflow }),
      });
      await this.acquisitions.start(SYSTEM_PRINCIPAL, body, {
        kind: 'job',
        jobId: request.jobId,
        triggerDepth: request.depth,
      });
    } catch (error) {
      await this.refuse(request.jobId, request.experimentId, error);
    }
  }

  /** A refusal is an answer, too: the job must not wait for an upload that never starts. Outages are retried. */
  private async refuse(jobId: string, experimentId: number, error: unknown): Promise<void> {
    if (error instanceof StationError && error.retryable) {
      throw error;
    }
    this.logger.warn(`results of job ${jobId} cannot be uploaded: ${messageOf(error)}`);
    await this.events.append(this.database, [
      {
        type: 'acquisition.finished',
        experimentId,
        subject: jobId,
        data: {
          acquisitionId: null,
          kind: 'upload',
          jobId,
          experimentId,
          status: 'failed',
          errorMessage: messageOf(error),
        },
      },
    ]);
  }
}
