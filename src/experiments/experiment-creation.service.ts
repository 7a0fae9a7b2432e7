import { Inject, Injectable, Logger } from '@nestjs/common';
import { AccessService, type Principal } from '../auth/index.js';
import { messageOf, StationError } from '../kernel/errors.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { Database, type Sql } from '../platform/database/index.js';
import { EventLog } from '../platform/events/index.js';
import { type CreatedDirectories, ExperimentDirectories } from './experiment-directories.js';
import { assertDatesInOrder } from './experiment-dates.js';
import { relativeDirectory } from './experiment-layout.js';
import { ExperimentRepository, type NewExperiment } from './experiment.repository.js';
import type { CreateExperiment } from './experiment.schema.js';
import type { Experiment } from './experiment.js';
import { ExperimentTypesService } from './experiment-types.service.js';

/** Creating experiments: a record and its directories, both or neither. */
@Injectable()
export class ExperimentCreationService {
  private readonly logger = new Logger(ExperimentCreationService.name);

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly access: AccessService,
    private readonly experiments: ExperimentRepository,
    private readonly types: ExperimentTypesService,
    private readonly directories: ExperimentDirectories,
  ) {}

  /**
   * The directories are made inside the transaction and last, so that only the commit can fail after them. A crash in
   * between leaves empty directories, which the next creation of that name takes over.
   *
   * @throws StationError FORBIDDEN, EXPERIMENT_EXISTS, EXPERIMENT_TYPE_UNKNOWN, EXPERIMENT_DATES_REVERSED,
   * EXPERIMENT_DIRECTORY_OVERLAPS, EXPERIMENT_DIRECTORY_EXISTS, STORAGE_UNAVAILABLE
   */
  async create(principal: Principal, input: CreateExperiment): Promise<Experiment> {
    await this.access.require(principal, 'experiment.create');
    const experiment = await this.completed(input);
    if (await this.experiments.anyExists()) {
      await this.directories.requireStationDirectory(experiment.stationName);
    }
    const created = await this.record(principal, experiment);
    this.logger.log({ experimentId: created.id }, 'experiment created');
    return created;
  }

  private async record(principal: Principal, experiment: NewExperiment): Promise<Experiment> {
    let made: CreatedDirectories | undefined;
    try {
      return await this.database.transaction(async (tx) => {
        await this.experiments.lockCreation(tx);
        await this.assertNoOverlap(tx, experiment);
        const created = await this.experiments.insert(tx, experiment);
        await this.events.append(tx, [
          {
            type: 'experiment.created',
            experimentId: created.id,
            subject: created.name,
            data: { name: created.name, type: created.type, by: principal.username },
          },
        ]);
        made = await this.directories.create(relativeDirectory(experiment));
        return created;
      });
    } catch (error) {
      if (made !== undefined) {
        await this.takeBack(experiment.name, made);
      }
      throw error;
    }
  }

  private async completed(input: CreateExperiment): Promise<NewExperiment> {
    const experiment = {
      name: input.name,
      stationName: this.config.station.name,
      rootPath: input.rootPath ?? null,
      typeId: await this.types.idOf(input.type ?? this.config.experiments.defaultType),
      description: input.description ?? '',
      startDate: input.startDate ?? null,
      endDate: input.endDate ?? null,
    };
    assertDatesInOrder(experiment);
    return experiment;
  }

  /** The same name is EXPERIMENT_EXISTS, which the insertion says; this is about one within another. */
  private async assertNoOverlap(tx: Sql, wanted: NewExperiment): Promise<void> {
    const other = await this.experiments.findOverlapping(tx, relativeDirectory(wanted));
    if (other !== undefined && other.toLowerCase() !== wanted.name.toLowerCase()) {
      throw new StationError(
        'conflict',
        'EXPERIMENT_DIRECTORY_OVERLAPS',
        `The directory of this experiment and that of ${other} would lie within each other. Choose another rootPath or name.`,
        { details: { other } },
      );
    }
  }

  /** A commit whose answer got lost may have happened: then the record is there and keeps its directories. */
  private async takeBack(name: string, made: CreatedDirectories): Promise<void> {
    try {
      if ((await this.experiments.findByName(name)) === undefined) {
        await made.discard();
      }
    } catch (error) {
      this.logger.warn(`empty directories of ${name} may be left in the storage area: ${messageOf(error)}`);
    }
  }
}
