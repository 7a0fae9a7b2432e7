import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { IS_PUBLIC } from '../../platform/http/index.js';
import { AUTH_CONFIG, type AuthConfig } from '../auth.config.js';
import { credentialRejected, loginRequired } from '../auth.errors.js';
import { setIdentity } from './identity.js';
import { assertOwnOrigin } from './origin-check.js';
import { RequestAuthenticator } from './request-authenticator.js';
import { requestSecret } from './request-credential.js';

/** Stands before every route: without `@Public()` there is no way in without a valid credential. */
@Injectable()
export class AuthenticationGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: RequestAuthenticator,
    @Inject(AUTH_CONFIG) private readonly config: AuthConfig,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    assertOwnOrigin(request, this.config.allowedOrigins);
    if (this.reflector.getAllAndOverride<boolean | undefined>(IS_PUBLIC, [context.getHandler(), context.getClass()])) {
      return true;
    }
    const secret = requestSecret(request.headers);
    if (secret === null) {
      throw loginRequired();
    }
    const identity = await this.authenticator.identify(secret);
    if (identity === null) {
      throw credentialRejected();
    }
    setIdentity(request, identity);
    return true;
  }
}
