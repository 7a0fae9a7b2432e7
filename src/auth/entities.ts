import { ApiTokenEntity } from './credentials/api-token.entity.js';
import { UserEntity } from './users/user.entity.js';

/** Sessions and login attempts have no entity: they are hot and written by single SQL statements. */
export const AUTH_ENTITIES = [UserEntity, ApiTokenEntity];
