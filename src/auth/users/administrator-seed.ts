import { Injectable } from '@nestjs/common';
import { randomInt } from 'node:crypto';
import { Database } from '../../platform/database/index.js';
import { EventLog } from '../../platform/events/index.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { AdministratorPasswordFile, FIRST_ADMINISTRATOR } from './administrator-password-file.js';
import { Administrators } from './administrators.js';

export interface SeededAdministrator {
  username: string;
  /** Absolute path of the file (mode 0600) that holds the password and nothing else. */
  passwordFile: string;
  password: string;
}

/** Letters and digits that nobody mistakes for another. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP_LENGTH = 5;

/** Gives a station that has no administrator its first one. */
@Injectable()
export class AdministratorSeed {
  constructor(
    private readonly database: Database,
    private readonly administrators: Administrators,
    private readonly hasher: PasswordHasher,
    private readonly events: EventLog,
  ) {}

  /**
   * Creates `admin` with a generated password when nobody can log in as administrator, else answers null. The file is
   * written before the account: after a crash in between, the next start writes a new one. An `admin` that exists but
   * can no longer administer (only edits of the database lead there) is taken over, which is the way back in.
   */
  async ensure(dataDir: string): Promise<SeededAdministrator | null> {
    return this.database.transaction(async (tx) => {
      await this.administrators.lock(tx);
      if (await this.administrators.anyCanLogIn(tx)) {
        return null;
      }
      const password = generatePassword();
      const passwordHash = await this.hasher.hash(password);
      const file = new AdministratorPasswordFile(dataDir);
      await file.write(password);
      await tx.query(
        `INSERT INTO station_user (username, password_hash, password_change_required, roles)
         VALUES ($1, $2, true, ARRAY['administrator'])
         ON CONFLICT (username) DO UPDATE SET password_hash = excluded.password_hash, disabled = false,
           password_change_required = true, updated_at = now(),
           roles = array_append(array_remove(station_user.roles, 'administrator'), 'administrator')`,
        [FIRST_ADMINISTRATOR, passwordHash],
      );
      await this.events.append(tx, [
        {
          type: 'user.created',
          subject: FIRST_ADMINISTRATOR,
          data: { username: FIRST_ADMINISTRATOR, roles: ['administrator'], by: 'station' },
        },
      ]);
      return { username: FIRST_ADMINISTRATOR, passwordFile: file.path, password };
    });
  }
}

/** About 99 bits. */
function generatePassword(): string {
  const group = () => Array.from({ length: GROUP_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}
