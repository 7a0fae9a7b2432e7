export { AuthModule } from './auth.module.js';
export { AUTH_ENTITIES } from './entities.js';
export { type AuthConfig, authConfigSchema } from './auth.config.js';
export { experimentNotFound, userNotFound } from './auth.errors.js';
export {
  type ExperimentRole,
  type GrantedRole,
  type Principal,
  principalWith,
  type StationRole,
  SYSTEM_PRINCIPAL,
  type SystemRole,
} from './principal.js';
export { ACCESS_RULES, type Action } from './access/access-rules.js';
export { AccessService } from './access/access.service.js';
export type { AccessDecision, AccessResource } from './access/access-decision.js';
export { MEMBERSHIP, type Membership } from './access/membership.port.js';
export { CurrentPrincipal } from './credentials/current-principal.decorator.js';
export { RequestAuthenticator, type RequestLike } from './credentials/request-authenticator.js';
export type { Identity } from './credentials/identity.js';
export { type Login, LoginService } from './login/login.service.js';
export { AdministratorSeed, type SeededAdministrator } from './users/administrator-seed.js';
export type { User } from './users/user.js';
export { UsersService } from './users/users.service.js';
export { canonicalUsername, isUsername } from './users/username.js';
