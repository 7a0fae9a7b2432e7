import { Inject, Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { StationError } from '../../kernel/errors.js';
import { Database } from '../../platform/database/index.js';
import { AUTH_CONFIG, type AuthConfig } from '../auth.config.js';

type Scope = 'user-and-address' | 'user' | 'address';

interface Counter {
  scope: Scope;
  subject: Buffer;
  limit: number;
}

/** An attempt that was let through and counted. */
export type CountedAttempt = readonly Counter[];

/**
 * Limits guessing of passwords. Counters live in the database, so neither a restart nor a crash gives new attempts.
 *
 * An attempt counts before its password is checked, and is given back when it succeeds: a burst of parallel guesses
 * cannot slip past. The narrow counter (one user from one address) comes first and, once it is full, keeps the others
 * from moving: whoever guesses from one machine locks out that machine, not the user everywhere.
 */
@Injectable()
export class LoginAttempts {
  constructor(
    private readonly database: Database,
    @Inject(AUTH_CONFIG) private readonly config: AuthConfig,
  ) {}

  /** @throws StationError TOO_MANY_ATTEMPTS, with the seconds until the window ends. */
  async count(username: string, address: string): Promise<CountedAttempt> {
    const counters = this.countersFor(username, address);
    for (const counter of counters) {
      const { attempts, secondsLeft } = await this.increment(counter);
      if (attempts > counter.limit) {
        throw tooManyAttempts(secondsLeft);
      }
    }
    return counters;
  }

  /** The password was right, or was never checked. */
  async giveBack(attempt: CountedAttempt): Promise<void> {
    for (const { scope, subject } of attempt) {
      await this.database.query(
        `UPDATE login_attempt SET attempts = attempts - 1 WHERE scope = $1 AND subject_sha256 = $2 AND attempts > 0`,
        [scope, subject],
      );
    }
  }

  /** After a success the user's own earlier slips from here are forgotten, too. Others' counters stay as they are. */
  async forgive(attempt: CountedAttempt): Promise<void> {
    await this.giveBack(attempt);
    const own = attempt.find(({ scope }) => scope === 'user-and-address');
    await this.database.query(
      `DELETE FROM login_attempt WHERE (scope, subject_sha256) IN (
         SELECT scope, subject_sha256 FROM login_attempt
         WHERE window_ends_at <= now() OR (scope = $1 AND subject_sha256 = $2) FOR UPDATE SKIP LOCKED)`,
      [own?.scope ?? null, own?.subject ?? null],
    );
  }

  private countersFor(username: string, address: string): CountedAttempt {
    const { config } = this;
    return [
      { scope: 'user-and-address', subject: sha256(username, address), limit: config.loginAttemptsPerUserAndAddress },
      { scope: 'address', subject: sha256(address), limit: config.loginAttemptsPerAddress },
      { scope: 'user', subject: sha256(username), limit: config.loginAttemptsPerUser },
    ];
  }

  private async increment({ scope, subject, limit }: Counter): Promise<{ attempts: number; secondsLeft: number }> {
    const [row] = await this.database.query<{ attempts: number; seconds_left: number }>(
      `INSERT INTO login_attempt AS a (scope, subject_sha256, attempts, window_ends_at)
       VALUES ($1, $2, 1, now() + make_interval(secs => $3::int))
       ON CONFLICT (scope, subject_sha256) DO UPDATE SET
         attempts = CASE WHEN a.window_ends_at <= now() THEN 1 ELSE least(a.attempts + 1, $4::int + 1) END,
         window_ends_at = CASE WHEN a.window_ends_at <= now() THEN excluded.window_ends_at ELSE a.window_ends_at END
       RETURNING attempts, ceil(extract(epoch FROM window_ends_at - now()))::int AS seconds_left`,
      [scope, subject, this.config.loginWindowSeconds, limit],
    );
    return { attempts: row?.attempts ?? 1, secondsLeft: row?.seconds_left ?? 0 };
  }
}

/** Names and addresses are stored as digests: any text fits, and the table tells nothing about people. */
function sha256(...parts: string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}

function tooManyAttempts(secondsLeft: number): StationError {
  const retryAfterSeconds = Math.max(1, secondsLeft);
  return new StationError(
    'too-many',
    'TOO_MANY_ATTEMPTS',
    `Too many failed logins. Wait ${describeSeconds(retryAfterSeconds)} before the next attempt; the right password is refused until then, too.`,
    { retryAfterSeconds, details: { retryAfterSeconds } },
  );
}

function describeSeconds(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`;
}
