import { Injectable, Logger } from '@nestjs/common';
import { messageOf, StationError } from '../../kernel/errors.js';
import { Database } from '../../platform/database/index.js';
import { loginFailed } from '../auth.errors.js';
import { AuthMetrics, type LoginOutcome } from '../auth.metrics.js';
import { newSecret } from '../credentials/secret.js';
import { SessionRepository } from '../credentials/session.repository.js';
import { RequestAuthenticator } from '../credentials/request-authenticator.js';
import type { Identity } from '../credentials/identity.js';
import { type CheckedUser, PasswordCheck } from '../passwords/password-check.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { UserRepository } from '../users/user.repository.js';
import type { User } from '../users/user.js';

export interface LoginRequest {
  username: string;
  password: string;
  /** Where the request comes from; attempts are counted per address. */
  address: string;
}

export interface Login {
  /** The session's secret: cookie value and bearer token. Shown here and never again. */
  token: string;
  expiresAt: string;
  user: User;
}

/** Beginning and ending of sessions. */
@Injectable()
export class LoginService {
  private readonly logger = new Logger(LoginService.name);

  constructor(
    private readonly database: Database,
    private readonly passwords: PasswordCheck,
    private readonly hasher: PasswordHasher,
    private readonly users: UserRepository,
    private readonly sessions: SessionRepository,
    private readonly authenticator: RequestAuthenticator,
    private readonly metrics: AuthMetrics,
  ) {}

  /** @throws StationError LOGIN_FAILED, TOO_MANY_ATTEMPTS (with Retry-After), LOGIN_BUSY */
  async login(request: LoginRequest): Promise<Login> {
    try {
      const login = await this.begin(request);
      this.metrics.countLogin('success');
      this.logger.log({ userId: login.user.id }, 'login');
      return login;
    } catch (error) {
      this.metrics.countLogin(outcomeOf(error));
      throw error;
    }
  }

  async logout(identity: Identity): Promise<void> {
    await this.sessions.end(identity.credential.id);
    if (identity.principal.userId !== null) {
      this.authenticator.forgetUser(identity.principal.userId);
    }
  }

  private async begin(request: LoginRequest): Promise<Login> {
    const { passwordHash, ...user } = await this.passwords.check(request);
    const secret = newSecret('session');
    const session = await this.database.transaction((tx) =>
      this.sessions.begin(tx, { id: user.id, passwordHash }, secret.sha256),
    );
    if (session === null) {
      throw loginFailed();
    }
    await this.renewHash({ ...user, passwordHash }, request.password);
    return { token: secret.text, expiresAt: session.expiresAt.toISOString(), user };
  }

  /** A chance to use today's parameters; the login is good either way. */
  private async renewHash(user: CheckedUser, password: string): Promise<void> {
    if (!this.hasher.isOutdated(user.passwordHash)) {
      return;
    }
    try {
      await this.users.rehash(user.id, user.passwordHash, await this.hasher.hash(password));
    } catch (error) {
      this.logger.warn({ userId: user.id }, `could not renew a password hash: ${messageOf(error)}`);
    }
  }
}

function outcomeOf(error: unknown): LoginOutcome {
  const code = error instanceof StationError ? error.code : '';
  return code === 'LOGIN_FAILED' ? 'failed' : code === 'TOO_MANY_ATTEMPTS' ? 'limited' : 'refused';
}
