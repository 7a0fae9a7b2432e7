import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { AccessService } from './access/access.service.js';
import { AUTH_CONFIG } from './auth.config.js';
import { AuthMetrics } from './auth.metrics.js';
import { ApiTokenRepository } from './credentials/api-token.repository.js';
import { ApiTokensController } from './credentials/api-tokens.controller.js';
import { ApiTokensService } from './credentials/api-tokens.service.js';
import { AuthenticationGuard } from './credentials/authentication.guard.js';
import { RequestAuthenticator } from './credentials/request-authenticator.js';
import { SessionRepository } from './credentials/session.repository.js';
import { AuthController } from './login/auth.controller.js';
import { LoginAttempts } from './login/login-attempts.js';
import { LoginService } from './login/login.service.js';
import { PasswordCheck } from './passwords/password-check.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { PasswordsService } from './passwords/passwords.service.js';
import { AdministratorSeed } from './users/administrator-seed.js';
import { Administrators } from './users/administrators.js';
import { UserRepository } from './users/user.repository.js';
import { UsersController } from './users/users.controller.js';
import { UsersService } from './users/users.service.js';

/**
 * Global, since every module asks {@link AccessService}, and since the guard stands before every route. The membership
 * port comes from another global module (experiments' `MembershipModule`): auth imports no business module.
 */
@Global()
@Module({
  controllers: [AuthController, UsersController, ApiTokensController],
  providers: [
    { provide: AUTH_CONFIG, useFactory: (config: StationConfig) => config.auth, inject: [CONFIG] },
    { provide: APP_GUARD, useClass: AuthenticationGuard },
    AccessService,
    AdministratorSeed,
    Administrators,
    AuthMetrics,
    ApiTokenRepository,
    ApiTokensService,
    LoginAttempts,
    LoginService,
    PasswordCheck,
    PasswordHasher,
    PasswordsService,
    RequestAuthenticator,
    SessionRepository,
    UserRepository,
    UsersService,
  ],
  exports: [AccessService, AdministratorSeed, LoginService, RequestAuthenticator, UsersService],
})
export class AuthModule {}
