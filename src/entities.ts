import { AUTH_ENTITIES } from './auth/index.js';
import { EXPERIMENTS_ENTITIES } from './experiments/index.js';

/** Every TypeORM entity of the station; what is not here is reached by plain SQL. */
export const ENTITIES = [...AUTH_ENTITIES, ...EXPERIMENTS_ENTITIES];
