import { Injectable } from '@nestjs/common';
import { AccessService, experimentNotFound, type Principal } from '../auth/index.js';
import { Database } from '../platform/database/index.js';
import { EventLog } from '../platform/events/index.js';
import { decodeCursor, type Page, pageOf } from '../platform/http/index.js';
import { assertDatesInOrder } from './experiment-dates.js';
import { ExperimentRepository } from './experiment.repository.js';
import { experimentName, type ListExperiments, type UpdateExperiment } from './experiment.schema.js';
import type { Experiment } from './experiment.js';
import { ExperimentTypesService } from './experiment-types.service.js';

/** Finding and changing experiments. What makes and removes directories has services of its own. */
@Injectable()
export class ExperimentsService {
  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly access: AccessService,
    private readonly experiments: ExperimentRepository,
    private readonly types: ExperimentTypesService,
  ) {}

  /** @throws StationError EXPERIMENT_NOT_FOUND, also for one that the caller may not see */
  async getByName(principal: Principal, name: string): Promise<Experiment> {
    const experiment = await this.experiments.findByName(name);
    if (experiment === undefined) {
      throw experimentNotFound();
    }
    await this.access.require(principal, 'experiment.read', { experimentId: experiment.id });
    return experiment;
  }

  /** For other modules, without access check. */
  findById(id: number): Promise<Experiment | undefined> {
    return this.experiments.findById(id);
  }

  /** For other modules, without access check. */
  findByName(name: string): Promise<Experiment | undefined> {
    return this.experiments.findByName(name);
  }

  /** The experiments that the caller may see, by name. */
  async list(principal: Principal, query: ListExperiments): Promise<Page<Experiment>> {
    await this.access.require(principal, 'experiment.list');
    const experiments = await this.experiments.list({
      visible: await this.access.visibleExperiments(principal),
      nameContains: query.name,
      afterName: decodeCursor(query.cursor, experimentName),
      limit: query.limit + 1,
    });
    return pageOf(experiments, query.limit, (experiment) => experiment.name);
  }

  /**
   * Name and rootPath are fixed: they are the directory, and files in it are referred to by path.
   *
   * @throws StationError EXPERIMENT_NOT_FOUND, FORBIDDEN, EXPERIMENT_TYPE_UNKNOWN, EXPERIMENT_DATES_REVERSED
   */
  async update(principal: Principal, name: string, input: UpdateExperiment): Promise<Experiment> {
    const { id } = await this.getByName(principal, name);
    await this.access.require(principal, 'experiment.update', { experimentId: id });
    const typeId = input.type === undefined ? undefined : await this.types.idOf(input.type);
    return this.database.transaction(async (tx) => {
      const before = await this.experiments.lock(tx, id);
      if (before === undefined) {
        throw experimentNotFound();
      }
      assertDatesInOrder({ ...before, ...definedDates(input) });
      const after = await this.experiments.update(tx, id, {
        ...definedDates(input),
        ...(typeId === undefined ? {} : { typeId }),
        ...(input.description === undefined ? {} : { description: input.description }),
      });
      await this.events.append(tx, [
        {
          type: 'experiment.updated',
          experimentId: id,
          subject: name,
          data: { name, fields: Object.keys(input), by: principal.username },
        },
      ]);
      return after;
    });
  }
}

function definedDates(input: UpdateExperiment): { startDate?: string | null; endDate?: string | null } {
  return {
    ...(input.startDate === undefined ? {} : { startDate: input.startDate }),
    ...(input.endDate === undefined ? {} : { endDate: input.endDate }),
  };
}
