import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { join } from 'node:path';
import { AccessService, experimentNotFound, type Principal } from '../auth/index.js';
import { messageOf, StationError } from '../kernel/errors.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { Database, type Transaction } from '../platform/database/index.js';
import { EventLog } from '../platform/events/index.js';
import { ExperimentDirectories } from './experiment-directories.js';
import { relativeDirectory, removedDirectory } from './experiment-layout.js';
import { ExperimentRemovalRepository } from './experiment-removal.repository.js';
import { ExperimentUsage } from './experiment-usage.js';
import { ExperimentRepository } from './experiment.repository.js';
import type { Experiment } from './experiment.js';
import { ExperimentsService } from './experiments.service.js';

/** Deleting experiments: the record goes, the files are moved aside and never deleted. */
@Injectable()
export class ExperimentRemovalService implements OnApplicationBootstrap {
  private readonly logger = new Logger(ExperimentRemovalService.name);

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly access: AccessService,
    private readonly service: ExperimentsService,
    private readonly experiments: ExperimentRepository,
    private readonly removals: ExperimentRemovalRepository,
    private readonly directories: ExperimentDirectories,
    private readonly usage: ExperimentUsage,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.finishPending();
  }

  /**
   * The record and the wish to move the directory are one transaction; the move follows it, and is made up for at the
   * next start after a crash. So there is never a record without its directory.
   *
   * @returns where the directory went (absolute path)
   * @throws StationError EXPERIMENT_NOT_FOUND, FORBIDDEN, EXPERIMENT_IN_USE, EXPERIMENT_NOT_EMPTY, STORAGE_UNAVAILABLE
   */
  async delete(principal: Principal, name: string, options: { force: boolean }): Promise<{ removedDirectory: string }> {
    const { id } = await this.service.getByName(principal, name);
    await this.access.require(principal, 'experiment.delete', { experimentId: id });
    const target = await this.database.transaction(async (tx) => {
      const experiment = await this.experiments.lock(tx, id);
      if (experiment === undefined) {
        throw experimentNotFound();
      }
      await this.directories.requireStationDirectory(experiment.stationName);
      await this.assertRemovable(tx, experiment, options.force);
      await this.directories.prepareRemoval(experiment.stationName);
      const place = removedDirectory(experiment, new Date());
      await this.removals.insert(tx, relativeDirectory(experiment), place);
      await this.experiments.delete(tx, id);
      await this.events.append(tx, [
        {
          type: 'experiment.deleted',
          experimentId: id,
          subject: name,
          data: { name, removedDirectory: this.absolute(place), by: principal.username },
        },
      ]);
      return place;
    });
    this.logger.log({ experimentId: id, force: options.force }, 'experiment deleted');
    await this.finishPending();
    return { removedDirectory: this.absolute(target) };
  }

  /** Moves the directories of deleted experiments. What fails is said and tried again after the next deletion or start. */
  async finishPending(): Promise<void> {
    const failed: number[] = [];
    try {
      let isMore = true;
      while (isMore) {
        isMore = await this.finishOne(failed);
      }
    } catch (error) {
      this.logger.warn(`removed experiments are not all moved away yet: ${messageOf(error)}`);
    }
  }

  private finishOne(failed: number[]): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const removal = await this.removals.lockNext(tx, failed);
      if (removal === undefined) {
        return false;
      }
      try {
        await this.directories.moveAway(removal.sourceDirectory, removal.targetDirectory);
        await this.removals.delete(tx, removal.id);
      } catch (error) {
        failed.push(removal.id);
        this.logger.warn(
          `cannot move ${removal.sourceDirectory} to ${removal.targetDirectory} in the storage area: ${messageOf(error)}`,
        );
      }
      return true;
    });
  }

  private async assertRemovable(tx: Transaction, experiment: Experiment, force: boolean): Promise<void> {
    const findings = await this.usage.findings(experiment.id, tx);
    const active = findings.filter((finding) => finding.kind === 'active').map((finding) => finding.what);
    if (active.length > 0) {
      throw new StationError(
        'conflict',
        'EXPERIMENT_IN_USE',
        `${experiment.name} has ${active.join(', ')}. Stop that first, or wait until it is done.`,
        { details: { active } },
      );
    }
    const contents = findings.filter((finding) => finding.kind === 'contents').map((finding) => finding.what);
    if (await this.directories.holdsFiles(relativeDirectory(experiment))) {
      contents.push('files in its directory');
    }
    if (contents.length > 0 && !force) {
      throw new StationError(
        'conflict',
        'EXPERIMENT_NOT_EMPTY',
        `${experiment.name} has ${contents.join(', ')}. With ?force=true its records go and its files move to .removed.`,
        { details: { contents } },
      );
    }
  }

  private absolute(directory: string): string {
    return join(this.config.storage.root, directory);
  }
}
