import { Injectable } from '@nestjs/common';
import { AccessService, type Principal } from '../auth/index.js';
import { driverCode, StationError } from '../kernel/errors.js';
import { Database, UNIQUE_VIOLATION } from '../platform/database/index.js';
import { typeUnknown } from './experiment.errors.js';
import type { CreateType } from './experiment.schema.js';
import type { ExperimentType } from './experiment.js';
import { ExperimentTypeEntity } from './experiment-type.entity.js';

/** The kinds of experiments that this station knows. Few, so they are not paged. */
@Injectable()
export class ExperimentTypesService {
  constructor(
    private readonly database: Database,
    private readonly access: AccessService,
  ) {}

  async list(): Promise<ExperimentType[]> {
    return this.database.dataSource.manager.find(ExperimentTypeEntity, { order: { name: 'ASC' } });
  }

  /** @throws StationError FORBIDDEN, EXPERIMENT_TYPE_EXISTS */
  async create(principal: Principal, input: CreateType): Promise<ExperimentType> {
    await this.access.require(principal, 'station.manage');
    const type = { name: input.name, description: input.description ?? '' };
    try {
      const { identifiers } = await this.database.dataSource.manager.insert(ExperimentTypeEntity, { ...type });
      return { id: (identifiers[0] as { id: number }).id, ...type };
    } catch (error) {
      if (driverCode(error) === UNIQUE_VIOLATION) {
        throw new StationError('conflict', 'EXPERIMENT_TYPE_EXISTS', `There is a type ${input.name} already.`, {
          cause: error,
        });
      }
      throw error;
    }
  }

  /** @throws StationError EXPERIMENT_TYPE_UNKNOWN that names the known ones */
  async idOf(name: string): Promise<number> {
    const type = await this.database.dataSource.manager.findOneBy(ExperimentTypeEntity, { name });
    if (type === null) {
      const known = await this.list();
      throw typeUnknown(
        name,
        known.map((each) => each.name),
      );
    }
    return type.id;
  }
}
