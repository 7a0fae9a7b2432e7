import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { SYSTEM_PRINCIPAL } from '../../auth/index.js';
import { ExperimentsService } from '../../experiments/index.js';
import { messageOf, StationError } from '../../kernel/errors.js';
import { Alarms } from '../../platform/alarms/index.js';
import { EventLog, type StationEvent } from '../../platform/events/index.js';
import type { Acquisition } from './acquisition.js';
import { AcquisitionRepository } from './acquisition.repository.js';
import { startAcquisitionBody } from './acquisition.schema.js';
import { rootOf } from './destination.js';
import { exitUploadAlarm } from './exit-upload-alarm.js';
import { AcquisitionsService } from './acquisitions.service.js';

const finished = z.object({ acquisitionId: z.uuid().nullable() });

/**
 * When a monitor ends that asks for it (`uploadDataDirectoryOnExit`), an upload of that directory starts. The end is
 * an event in the database, so it is acted on after a restart, too; the link to the monitor is unique, so a second
 * telling starts nothing.
 */
@Injectable()
export class ExitUploads implements OnModuleInit {
  private readonly logger = new Logger(ExitUploads.name);

  constructor(
    private readonly events: EventLog,
    private readonly alarms: Alarms,
    private readonly experiments: ExperimentsService,
    private readonly repository: AcquisitionRepository,
    private readonly acquisitions: AcquisitionsService,
  ) {}

  onModuleInit(): void {
    this.events.subscribe('daq.exit-uploads', ['acquisition.finished'], async (events) => {
      for (const event of events) {
        await this.onEnd(event);
      }
    });
  }

  private async onEnd(event: StationEvent): Promise<void> {
    const id = finished.safeParse(event.data).data?.acquisitionId;
    const monitor = id === undefined || id === null ? undefined : await this.find(id);
    if (monitor?.options.uploadDataDirectoryOnExit === null || monitor === undefined || monitor.exitUpload !== null) {
      return;
    }
    const known = await this.repository.onExitOf(monitor.id);
    const upload = known ?? (await this.start(monitor));
    if (upload !== undefined) {
      await this.repository.setExitUpload(monitor.id, { acquisitionId: upload.id });
    }
  }

  /** What the monitor recorded with its files is recorded with these; its patterns and its workflow are for its own. */
  private async start(monitor: Acquisition): Promise<{ id: string } | undefined> {
    const { options } = monitor;
    const experiment = await this.experiments.findById(monitor.experimentId);
    if (experiment === undefined) {
      return undefined; // it went with everything that belonged to it
    }
    try {
      const body = startAcquisitionBody.parse({
        kind: 'upload',
        experiment: experiment.name,
        dataDirectory: options.uploadDataDirectoryOnExit,
        useAnalysisDirectoryAsRoot: rootOf(monitor.destinationDirectory) === 'analysis',
        ...(options.uploadDestDirectoryOnExit === null ? {} : { destDirectory: options.uploadDestDirectoryOnExit }),
        processHidden: options.processHidden,
        quietSeconds: options.quietSeconds,
        metadata: options.metadata,
        skipPlugins: options.skipPlugins,
      });
      const { startedBy } = monitor;
      return await this.acquisitions.start(SYSTEM_PRINCIPAL, body, { kind: 'exit', monitorId: monitor.id, startedBy });
    } catch (error) {
      await this.refuse(monitor, experiment.name, error);
      return undefined;
    }
  }

  /** An outage is sat out (the event comes again); what a person has to see to is written down and raised. */
  private async refuse(monitor: Acquisition, experiment: string, error: unknown): Promise<void> {
    if (error instanceof StationError && error.retryable) {
      throw error;
    }
    const errorCode = error instanceof StationError ? error.code : 'INTERNAL_ERROR';
    const errorMessage = messageOf(error);
    this.logger.warn(`the upload at the end of monitor ${monitor.id} cannot start: ${errorMessage}`);
    await this.alarms.raise({
      key: exitUploadAlarm(monitor.id),
      severity: 'warning',
      message: `The upload that monitor ${monitor.id} asks for at its end could not start: ${errorMessage}`,
      action: `Mend the cause, then: dm upload ${monitor.options.uploadDataDirectoryOnExit ?? 'DIRECTORY'} -e ${experiment}. The alarm ends with: dm acquisition clear-ended -e ${experiment}`,
      experimentId: monitor.experimentId,
      details: { acquisitionId: monitor.id, code: errorCode },
    });
    await this.repository.setExitUpload(monitor.id, { errorCode, errorMessage });
  }

  private async find(id: string): Promise<Acquisition | undefined> {
    try {
      return await this.repository.get(id);
    } catch (error) {
      if (error instanceof StationError && error.code === 'ACQUISITION_NOT_FOUND') {
        return undefined;
      }
      throw error;
    }
  }
}
