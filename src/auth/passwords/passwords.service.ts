import { Inject, Injectable } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { EventLog } from '../../platform/events/index.js';
import { sessionRequired } from '../auth.errors.js';
import type { Identity } from '../credentials/identity.js';
import { RequestAuthenticator } from '../credentials/request-authenticator.js';
import { SessionRepository } from '../credentials/session.repository.js';
import { AdministratorPasswordFile, FIRST_ADMINISTRATOR } from '../users/administrator-password-file.js';
import { UserRepository } from '../users/user.repository.js';
import { PasswordCheck } from './password-check.js';
import { PasswordHasher } from './password-hasher.js';
import { assertGoodPassword } from './password-rules.js';

export interface PasswordChange {
  currentPassword: string;
  newPassword: string;
  address: string;
}

/** People changing their own password. Administrators set those of others through the users' interface. */
@Injectable()
export class PasswordsService {
  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly users: UserRepository,
    private readonly passwords: PasswordCheck,
    private readonly hasher: PasswordHasher,
    private readonly sessions: SessionRepository,
    private readonly authenticator: RequestAuthenticator,
  ) {}

  /**
   * Sets a new password and ends all other sessions of the user: whoever changes a password may suspect that somebody
   * else knew it. API tokens stay, they do not depend on the password; they are revoked one by one.
   *
   * @throws StationError SESSION_REQUIRED, PASSWORD_WRONG, PASSWORD_REFUSED, PASSWORD_UNCHANGED, TOO_MANY_ATTEMPTS
   */
  async change(identity: Identity, change: PasswordChange): Promise<void> {
    const { username } = identity.principal;
    if (identity.credential.kind !== 'session') {
      throw sessionRequired('Changing a password');
    }
    assertGoodPassword(change.newPassword, username, this.config.auth.passwordMinLength);
    const user = await this.checkCurrent(username, change);
    if (change.newPassword === change.currentPassword) {
      throw new StationError('invalid', 'PASSWORD_UNCHANGED', 'The new password is the present one; choose another.');
    }
    const passwordHash = await this.hasher.hash(change.newPassword);
    await this.database.transaction(async (tx) => {
      await this.users.update(tx.manager, user.id, { passwordHash, passwordChangeRequired: false });
      await this.sessions.endAll(tx, user.id, identity.credential.id);
      await this.events.append(tx, [
        { type: 'user.password-changed', subject: username, data: { username, by: username } },
      ]);
    });
    this.authenticator.forgetUser(user.id);
    if (username === FIRST_ADMINISTRATOR) {
      await new AdministratorPasswordFile(this.config.dataDir).remove();
    }
  }

  /** A wrong present password is not a lost login, so it must not look like one (clients log in again on 401). */
  private async checkCurrent(username: string, change: PasswordChange): Promise<{ id: number }> {
    try {
      return await this.passwords.check({ username, password: change.currentPassword, address: change.address });
    } catch (error) {
      if (error instanceof StationError && error.code === 'LOGIN_FAILED') {
        throw new StationError('forbidden', 'PASSWORD_WRONG', 'The present password is not right.', { cause: error });
      }
      throw error;
    }
  }
}
