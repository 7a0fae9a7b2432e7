import { Injectable } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import { loginFailed } from '../auth.errors.js';
import { LoginAttempts } from '../login/login-attempts.js';
import { UserRepository } from '../users/user.repository.js';
import { canonicalUsername } from '../users/username.js';
import type { User } from '../users/user.js';
import { BoundedGate } from './bounded-gate.js';
import { PasswordHasher } from './password-hasher.js';

/** Each check holds 19 MiB and one of libuv's few threads, which file access needs as well. */
const CHECKS_AT_A_TIME = 2;
/** A little over two seconds' worth of checks; whoever comes later is told to come back. */
const MAX_WAITING = 100;

export interface CheckedUser extends User {
  /** The hash that the password was checked against. */
  passwordHash: string;
}

/** The one way to find out whether somebody knows a user's password: bounded, limited, and blind to who exists. */
@Injectable()
export class PasswordCheck {
  private readonly gate = new BoundedGate(CHECKS_AT_A_TIME, MAX_WAITING);

  constructor(
    private readonly users: UserRepository,
    private readonly hasher: PasswordHasher,
    private readonly attempts: LoginAttempts,
  ) {}

  /** @throws StationError LOGIN_FAILED, TOO_MANY_ATTEMPTS, LOGIN_BUSY */
  check(given: { username: string; password: string; address: string }): Promise<CheckedUser> {
    return this.gate.run(() => this.checkNow(given), loginBusy);
  }

  private async checkNow(given: { username: string; password: string; address: string }): Promise<CheckedUser> {
    const username = canonicalUsername(given.username);
    const attempt = await this.attempts.count(username, given.address);
    let user: (User & { passwordHash: string | null }) | null;
    let isRight: boolean;
    try {
      user = await this.users.findWithPassword(username);
      isRight = await this.hasher.verify(user?.passwordHash ?? null, given.password);
    } catch (error) {
      await this.attempts.giveBack(attempt).catch(() => undefined);
      throw error;
    }
    if (!isRight || user === null || user.passwordHash === null || user.disabled) {
      throw loginFailed();
    }
    await this.attempts.forgive(attempt);
    return { ...user, passwordHash: user.passwordHash };
  }
}

function loginBusy(): StationError {
  return new StationError('unavailable', 'LOGIN_BUSY', 'Very many logins are under way; try again in two seconds.', {
    retryAfterSeconds: 2,
  });
}
