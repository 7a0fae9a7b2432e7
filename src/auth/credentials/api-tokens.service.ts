import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { StationError } from '../../kernel/errors.js';
import { Database } from '../../platform/database/index.js';
import { EventLog } from '../../platform/events/index.js';
import { decodeCursor, type Page, pageOf, type PageQuery } from '../../platform/http/index.js';
import { AccessService } from '../access/access.service.js';
import { AUTH_CONFIG, type AuthConfig } from '../auth.config.js';
import { sessionRequired } from '../auth.errors.js';
import type { GrantedRole, Principal } from '../principal.js';
import { type ApiToken, ApiTokenRepository } from './api-token.repository.js';
import type { CreateToken } from './api-token.schema.js';
import type { Identity } from './identity.js';
import { RequestAuthenticator } from './request-authenticator.js';
import { newSecret } from './secret.js';

/** API tokens: how machines act for a user without knowing the password. */
@Injectable()
export class ApiTokensService {
  constructor(
    @Inject(AUTH_CONFIG) private readonly config: AuthConfig,
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly access: AccessService,
    private readonly tokens: ApiTokenRepository,
    private readonly authenticator: RequestAuthenticator,
  ) {}

  /** The caller's tokens that still work, without their secrets. */
  async list(principal: Principal, query: PageQuery): Promise<Page<ApiToken>> {
    if (principal.userId === null) {
      return { items: [], nextCursor: null };
    }
    const afterId = decodeCursor(query.cursor, z.int32()) ?? 0;
    const tokens = await this.tokens.listLiving(principal.userId, afterId, query.limit + 1);
    return pageOf(tokens, query.limit, (token) => token.id);
  }

  /**
   * Creates a token that acts as the caller, with all of the caller's roles or with those named. Only a session can
   * create one: a token that makes tokens would outlive its own expiry and shed its restriction.
   *
   * @throws StationError SESSION_REQUIRED, TOKEN_ROLE_NOT_HELD, TOKEN_LIFETIME_TOO_LONG, TOO_MANY_TOKENS
   */
  async create(identity: Identity, input: CreateToken): Promise<ApiToken & { token: string }> {
    const { userId, username } = identity.principal;
    if (identity.credential.kind !== 'session' || userId === null) {
      throw sessionRequired('Creating a token');
    }
    const days = input.expiresInDays ?? this.config.tokenDefaultDays;
    this.assertAcceptable(identity.principal, days, input.roles);
    const secret = newSecret('token');
    return this.database.transaction(async (tx) => {
      const { maxTokensPerUser } = this.config;
      if ((await this.tokens.countLiving(tx, userId)) >= maxTokensPerUser) {
        throw new StationError(
          'conflict',
          'TOO_MANY_TOKENS',
          `You have ${maxTokensPerUser} tokens; revoke some first.`,
        );
      }
      const roles = input.roles ?? null;
      const token = await this.tokens.insert(tx, { userId, name: input.name, sha256: secret.sha256, roles, days });
      await this.events.append(tx, [
        { type: 'token.created', subject: username, data: { username, tokenId: token.id, name: token.name, roles } },
      ]);
      return { ...token, token: secret.text };
    });
  }

  /** @throws StationError TOKEN_NOT_FOUND, also for other people's tokens unless the caller manages users */
  async revoke(principal: Principal, tokenId: number): Promise<void> {
    const owner = await this.tokens.owner(tokenId);
    const mayRevoke =
      owner !== null &&
      (owner.userId === principal.userId || (await this.access.can(principal, 'user.manage')).allowed);
    if (!mayRevoke) {
      throw new StationError('not-found', 'TOKEN_NOT_FOUND', `You have no token ${tokenId}.`);
    }
    await this.database.transaction(async (tx) => {
      const name = await this.tokens.revoke(tx, tokenId);
      if (name === null) {
        return;
      }
      const { username, userId } = owner;
      await this.events.append(tx, [
        { type: 'token.revoked', subject: username, data: { username, tokenId, name, by: principal.username } },
      ]);
      tx.afterCommit(() => this.authenticator.forgetUser(userId));
    });
  }

  private assertAcceptable(principal: Principal, days: number, roles: readonly GrantedRole[] | null | undefined): void {
    if (days > this.config.tokenMaxDays) {
      throw new StationError(
        'invalid',
        'TOKEN_LIFETIME_TOO_LONG',
        `A token can live for at most ${this.config.tokenMaxDays} days here.`,
      );
    }
    const held = new Set<GrantedRole>([...principal.systemRoles, ...principal.stationRoles]);
    const missing = (roles ?? []).filter((role) => !held.has(role));
    if (missing.length > 0) {
      throw new StationError(
        'invalid',
        'TOKEN_ROLE_NOT_HELD',
        `You do not have the role ${missing.join(', ')}, so your token cannot have it.`,
      );
    }
  }
}
