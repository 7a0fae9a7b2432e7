import { Inject, Injectable } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database, type Transaction } from '../../platform/database/index.js';
import { EventLog } from '../../platform/events/index.js';
import { decodeCursor, type Page, pageOf, type PageQuery } from '../../platform/http/index.js';
import { z } from 'zod';
import { AccessService } from '../access/access.service.js';
import { userNotFound } from '../auth.errors.js';
import { RequestAuthenticator } from '../credentials/request-authenticator.js';
import { SessionRepository } from '../credentials/session.repository.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { assertGoodPassword } from '../passwords/password-rules.js';
import type { GrantedRole, Principal } from '../principal.js';
import { AdministratorPasswordFile, FIRST_ADMINISTRATOR } from './administrator-password-file.js';
import { Administrators } from './administrators.js';
import { UserRepository } from './user.repository.js';
import type { CreateUser, UpdateUser } from './user.schema.js';
import type { User } from './user.js';
import { canonicalUsername, isUsername } from './username.js';

/** Accounts and their roles. */
@Injectable()
export class UsersService {
  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly access: AccessService,
    private readonly users: UserRepository,
    private readonly administrators: Administrators,
    private readonly hasher: PasswordHasher,
    private readonly sessions: SessionRepository,
    private readonly authenticator: RequestAuthenticator,
  ) {}

  /** For other modules, without access check; names are compared without regard to case. */
  async findByUsername(username: string): Promise<User | undefined> {
    return (await this.users.find(canonicalUsername(username))) ?? undefined;
  }

  /** @throws StationError FORBIDDEN, USER_NOT_FOUND */
  async get(principal: Principal, username: string): Promise<User> {
    const canonical = canonicalUsername(username);
    await this.access.require(principal, 'user.read', { ownerUsername: canonical });
    const user = await this.users.find(canonical);
    if (user === null) {
      throw userNotFound(canonical);
    }
    return user;
  }

  /** All accounts by username. */
  async list(principal: Principal, query: PageQuery): Promise<Page<User>> {
    await this.access.require(principal, 'user.read');
    const after = decodeCursor(query.cursor, z.string().refine(isUsername));
    return pageOf(await this.users.list(after, query.limit + 1), query.limit, (user) => user.username);
  }

  /** @throws StationError FORBIDDEN, USER_EXISTS, PASSWORD_REFUSED */
  async create(principal: Principal, input: CreateUser): Promise<User> {
    await this.access.require(principal, 'user.manage');
    const passwordHash = await this.hashGiven(input.password, input.username);
    return this.database.transaction(async (tx) => {
      const user = await this.users.insert(tx.manager, {
        username: input.username,
        passwordHash: passwordHash ?? null,
        passwordChangeRequired: passwordHash !== undefined,
        firstName: input.firstName ?? null,
        lastName: input.lastName ?? null,
        email: input.email ?? null,
        roles: [],
      });
      await this.announce(tx, 'user.created', user.username, principal, {});
      return user;
    });
  }

  /**
   * A new password or disabling the account ends the user's sessions. Administrators change their own password like
   * everybody else, by naming the present one.
   *
   * @throws StationError FORBIDDEN, USER_NOT_FOUND, PASSWORD_REFUSED, OWN_PASSWORD, LAST_ADMINISTRATOR
   */
  async update(principal: Principal, username: string, input: UpdateUser): Promise<User> {
    await this.access.require(principal, 'user.manage');
    const canonical = canonicalUsername(username);
    const { password, ...changes } = input;
    if (password !== undefined && canonical === principal.username) {
      throw new StationError('invalid', 'OWN_PASSWORD', 'Change your own password with POST /api/v1/auth/password.');
    }
    const passwordHash = await this.hashGiven(password, canonical);
    const user = await this.changeAccount(canonical, async (tx, { id }) => {
      const changed = await this.users.update(tx.manager, id, {
        ...withoutUndefined(changes),
        ...(passwordHash === undefined ? {} : { passwordHash, passwordChangeRequired: true }),
      });
      if (passwordHash !== undefined || changed.disabled) {
        await this.sessions.endAll(tx, id);
      }
      await this.announce(tx, 'user.updated', canonical, principal, { fields: Object.keys(input) });
      return changed;
    });
    if (passwordHash !== undefined && canonical === FIRST_ADMINISTRATOR) {
      await new AdministratorPasswordFile(this.config.dataDir).remove();
    }
    return user;
  }

  /** @throws StationError FORBIDDEN, USER_NOT_FOUND, LAST_ADMINISTRATOR */
  async delete(principal: Principal, username: string): Promise<void> {
    await this.access.require(principal, 'user.manage');
    await this.changeAccount(canonicalUsername(username), async (tx, user) => {
      await this.users.delete(tx.manager, user.id);
      await this.announce(tx, 'user.deleted', user.username, principal, {});
    });
  }

  /** Granting a role that the user has already changes nothing. */
  async grantRole(principal: Principal, username: string, role: GrantedRole): Promise<User> {
    return this.changeRoles(principal, username, 'user.role-granted', role, (roles) =>
      roles.includes(role) ? roles : [...roles, role],
    );
  }

  /** @throws StationError FORBIDDEN, USER_NOT_FOUND, LAST_ADMINISTRATOR */
  async revokeRole(principal: Principal, username: string, role: GrantedRole): Promise<User> {
    return this.changeRoles(principal, username, 'user.role-revoked', role, (roles) =>
      roles.filter((held) => held !== role),
    );
  }

  private async changeRoles(
    principal: Principal,
    username: string,
    event: string,
    role: GrantedRole,
    change: (roles: GrantedRole[]) => GrantedRole[],
  ): Promise<User> {
    await this.access.require(principal, 'user.manage');
    return this.changeAccount(canonicalUsername(username), async (tx, user) => {
      const roles = change(user.roles);
      if (roles.length === user.roles.length) {
        return user;
      }
      await this.announce(tx, event, user.username, principal, { role });
      return this.users.update(tx.manager, user.id, { roles });
    });
  }

  /** One change of one account: alone, never leaving the station without an administrator, and at once in force. */
  private async changeAccount<T>(username: string, change: (tx: Transaction, user: User) => Promise<T>): Promise<T> {
    return this.database.transaction(async (tx) => {
      await this.administrators.lock(tx);
      const user = await this.users.lock(tx.manager, username);
      if (user === null) {
        throw userNotFound(username);
      }
      const result = await change(tx, user);
      if (user.roles.includes('administrator')) {
        await this.administrators.assertSomebodyIsLeft(tx);
      }
      tx.afterCommit(() => this.authenticator.forgetUser(user.id));
      return result;
    });
  }

  private async hashGiven(password: string | undefined, username: string): Promise<string | undefined> {
    if (password === undefined) {
      return undefined;
    }
    assertGoodPassword(password, username, this.config.auth.passwordMinLength);
    return this.hasher.hash(password);
  }

  private async announce(
    tx: Transaction,
    type: string,
    username: string,
    by: Principal,
    data: Record<string, unknown>,
  ): Promise<void> {
    await this.events.append(tx, [{ type, subject: username, data: { username, ...data, by: by.username } }]);
  }
}

/** A key with the value `undefined` would be a change to TypeORM. */
function withoutUndefined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
