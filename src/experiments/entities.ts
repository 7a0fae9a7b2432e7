import { ExperimentTypeEntity } from './experiment-type.entity.js';

/** Experiments and members have no entity: each of their queries joins, filters by access or locks, and says so in SQL. */
export const EXPERIMENTS_ENTITIES = [ExperimentTypeEntity];
