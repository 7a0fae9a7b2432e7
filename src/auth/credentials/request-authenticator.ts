import { Inject, Injectable } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { AUTH_CONFIG, type AuthConfig } from '../auth.config.js';
import type { Principal } from '../principal.js';
import { ApiTokenRepository } from './api-token.repository.js';
import type { Identity } from './identity.js';
import { IdentityCache } from './identity-cache.js';
import { requestSecret } from './request-credential.js';
import { secretKindOf, sha256Of } from './secret.js';
import { SessionRepository } from './session.repository.js';

/** What authentication looks at; every Node or Express request has it. */
export interface RequestLike {
  headers: IncomingHttpHeaders;
}

/** Finds out who makes a request. */
@Injectable()
export class RequestAuthenticator {
  private readonly cache: IdentityCache;

  constructor(
    private readonly sessions: SessionRepository,
    private readonly tokens: ApiTokenRepository,
    @Inject(AUTH_CONFIG) config: AuthConfig,
  ) {
    this.cache = new IdentityCache(config.principalCacheSeconds * 1000);
  }

  /**
   * The caller, or null when the request carries no credential or one that is not (or no longer) valid. For routes that
   * are public but tell more to those who are known; all others are behind the guard.
   *
   * @throws StationError DATABASE_UNAVAILABLE
   */
  async authenticate(request: RequestLike): Promise<Principal | null> {
    const identity = await this.identify(requestSecret(request.headers) ?? '');
    return identity?.principal ?? null;
  }

  /** Whose secret this is: a session's or an API token's text, without `Bearer`. */
  async identify(secret: string): Promise<Identity | null> {
    const kind = secretKindOf(secret);
    if (kind === null) {
      return null;
    }
    const sha256 = sha256Of(secret);
    const key = sha256.toString('base64');
    const known = this.cache.get(key);
    if (known !== undefined) {
      return known;
    }
    const { epoch } = this.cache;
    const found = await (kind === 'session' ? this.sessions.find(sha256) : this.tokens.find(sha256));
    if (found !== null) {
      this.cache.put(key, found, epoch);
    }
    return found;
  }

  /** Makes a change of a user, of their sessions or of their tokens take effect with the next request. */
  forgetUser(userId: number): void {
    this.cache.forgetUser(userId);
  }
}
