import { Injectable, Logger } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import { ExperimentsService } from '../../experiments/index.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import { AcquisitionRepository } from '../acquisitions/acquisition.repository.js';
import { hostOf } from '../acquisitions/source-addresses.js';
import { SourceRoots } from '../acquisitions/source-roots.js';
import { LedgerClaims } from '../ledger/ledger-claims.js';
import type { ClaimedRow } from '../ledger/ledger-row.js';
import { BatchListeners } from './batch-listeners.js';
import type { PipelineAcquisition, PipelineFile } from './file-plugin.port.js';
import { Pipeline } from './pipeline.js';
import { StrayClaims } from './stray-claims.js';

/** Pause before rows are given back whose work broke off, and between tries to give them back. */
const RELEASE_RETRY_MS = 1000;

/** Works on one batch of ledger ids, whoever handed it over: a queue job, or the feeder while there is no queue. */
@Injectable()
export class BatchProcessor {
  private readonly logger = new Logger(BatchProcessor.name);

  constructor(
    private readonly claims: LedgerClaims,
    private readonly pipeline: Pipeline,
    private readonly experiments: ExperimentsService,
    private readonly acquisitions: AcquisitionRepository,
    private readonly sourceRoots: SourceRoots,
    private readonly listeners: BatchListeners,
    private readonly strays: StrayClaims,
  ) {}

  /** Claims what is still to be done of `ids` and carries it on. Ids that are done or held by another are no fault. */
  async process(ids: readonly string[]): Promise<void> {
    const rows = await this.claims.claim(ids);
    if (rows.length > 0) {
      await this.carry(rows);
    }
  }

  /** Carries rows on that this process has claimed. */
  async carry(rows: readonly ClaimedRow[]): Promise<void> {
    const ids = rows.map((row) => row.id);
    this.strays.hold(ids);
    try {
      const files = await this.filesOf(rows);
      const unwanted = files.filter((file) => file.acquisition.isAborting).map((file) => file.row.id);
      if (unwanted.length > 0) {
        await this.claims.giveBack(unwanted);
      }
      await this.pipeline.run(files.filter((file) => !file.acquisition.isAborting));
    } catch (error) {
      this.logger.warn(`a batch of ${rows.length} files broke off: ${messageOf(error)}`);
      await this.release(ids);
    } finally {
      this.strays.letGo(ids);
    }
    this.listeners.announce(new Set(rows.map((row) => row.acquisitionId)));
  }

  /** Until the database takes them back the rows stay claimed; a restart of the station frees them as well. */
  private async release(ids: readonly string[]): Promise<void> {
    for (;;) {
      try {
        await this.claims.release(ids, 1);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RELEASE_RETRY_MS));
        if (this.listeners.isStopping) {
          return;
        }
      }
    }
  }

  private async filesOf(rows: readonly ClaimedRow[]): Promise<PipelineFile[]> {
    const acquisitions = new Map<string, PipelineAcquisition>();
    const experiments = new Map<number, PipelineFile['experiment']>();
    for (const row of rows) {
      if (!acquisitions.has(row.acquisitionId)) {
        acquisitions.set(row.acquisitionId, await this.acquisitionOf(row.acquisitionId));
      }
      if (!experiments.has(row.experimentId)) {
        experiments.set(row.experimentId, await this.experimentOf(row.experimentId));
      }
    }
    return rows.flatMap((row) => {
      const acquisition = acquisitions.get(row.acquisitionId);
      const experiment = experiments.get(row.experimentId);
      return acquisition === undefined || experiment === undefined ? [] : [{ row, acquisition, experiment }];
    });
  }

  private async acquisitionOf(id: string): Promise<PipelineAcquisition> {
    const acquisition = await this.acquisitions.get(id);
    return {
      id,
      startedBy: acquisition.startedBy,
      options: acquisition.options,
      sourceDirectory: acquisition.sourceDirectory,
      sourceDevice: acquisition.sourceDevice,
      jobId: acquisition.jobId,
      triggerDepth: acquisition.triggerDepth,
      isAborting: acquisition.status === 'aborting',
      // Results of a job lie in the job's own directory, wherever processing keeps it.
      sourceRoots: acquisition.jobId === null ? await this.rootsOf(acquisition) : [acquisition.sourceDirectory],
    };
  }

  private async rootsOf(acquisition: Acquisition): Promise<Buffer[]> {
    const host = hostOf(acquisition.sourceHost);
    if (host === null) {
      return this.sourceRoots.resolved();
    }
    try {
      return this.sourceRoots.configuredOn(host).map((root) => Buffer.from(root));
    } catch {
      return []; // a host that was taken out of the configuration: the engine says so of each file
    }
  }

  private async experimentOf(id: number): Promise<PipelineFile['experiment']> {
    const experiment = await this.experiments.findById(id);
    if (experiment === undefined) {
      throw new Error(`experiment ${id} was deleted while its files were on their way`);
    }
    return { id, name: experiment.name, directory: Buffer.from(experiment.storageDirectory) };
  }
}
