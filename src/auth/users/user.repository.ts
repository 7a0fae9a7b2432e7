import { Injectable } from '@nestjs/common';
import { type EntityManager, MoreThan } from 'typeorm';
import { driverCode, StationError } from '../../kernel/errors.js';
import { Database, UNIQUE_VIOLATION } from '../../platform/database/index.js';
import type { GrantedRole } from '../principal.js';
import { UserEntity } from './user.entity.js';
import type { User } from './user.js';
import { isUsername } from './username.js';

export interface NewUser {
  username: string;
  passwordHash: string | null;
  passwordChangeRequired: boolean;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  roles: GrantedRole[];
}

export type UserChanges = Partial<Omit<NewUser, 'username'> & { disabled: boolean }>;

/** All reading and writing of accounts. What it answers holds no hash, unless the method says so. */
@Injectable()
export class UserRepository {
  constructor(private readonly database: Database) {}

  async find(username: string, manager: EntityManager = this.manager): Promise<User | null> {
    const entity = await findEntity(manager, username);
    return entity === null ? null : userOf(entity);
  }

  async findWithPassword(username: string): Promise<(User & { passwordHash: string | null }) | null> {
    const entity = await findEntity(this.manager, username);
    return entity === null ? null : { ...userOf(entity), passwordHash: entity.passwordHash };
  }

  /** Reads and locks one account: what is decided on it stays true until the transaction ends. */
  async lock(manager: EntityManager, username: string): Promise<User | null> {
    const entity = await findEntity(manager, username, { mode: 'pessimistic_write' });
    return entity === null ? null : userOf(entity);
  }

  async list(afterUsername: string | undefined, limit: number): Promise<User[]> {
    const entities = await this.manager.find(UserEntity, {
      ...(afterUsername === undefined ? {} : { where: { username: MoreThan(afterUsername) } }),
      order: { username: 'ASC' },
      take: limit,
    });
    return entities.map(userOf);
  }

  /** @throws StationError USER_EXISTS */
  async insert(manager: EntityManager, user: NewUser): Promise<User> {
    try {
      const { identifiers } = await manager.insert(UserEntity, user);
      return userOf(await manager.findOneByOrFail(UserEntity, { id: (identifiers[0] as { id: number }).id }));
    } catch (error) {
      if (driverCode(error) === UNIQUE_VIOLATION) {
        throw new StationError('conflict', 'USER_EXISTS', `There is a user ${user.username} already.`, {
          cause: error,
        });
      }
      throw error;
    }
  }

  async update(manager: EntityManager, userId: number, changes: UserChanges): Promise<User> {
    await manager.update(UserEntity, { id: userId }, changes);
    return userOf(await manager.findOneByOrFail(UserEntity, { id: userId }));
  }

  async delete(manager: EntityManager, userId: number): Promise<void> {
    await manager.delete(UserEntity, { id: userId });
  }

  /** Replaces a hash by a newer one of the same password, unless the password was changed meanwhile. */
  async rehash(userId: number, oldHash: string, newHash: string): Promise<void> {
    await this.database.query(`UPDATE station_user SET password_hash = $3 WHERE id = $1 AND password_hash = $2`, [
      userId,
      oldHash,
      newHash,
    ]);
  }

  private get manager(): EntityManager {
    return this.database.dataSource.manager;
  }
}

/** What cannot be a username is not looked up: PostgreSQL would choke on some of it (U+0000). */
async function findEntity(
  manager: EntityManager,
  username: string,
  lock?: { mode: 'pessimistic_write' },
): Promise<UserEntity | null> {
  if (!isUsername(username)) {
    return null;
  }
  return manager.findOne(UserEntity, { where: { username }, ...(lock === undefined ? {} : { lock }) });
}

function userOf(entity: UserEntity): User {
  return {
    id: entity.id,
    username: entity.username,
    firstName: entity.firstName,
    lastName: entity.lastName,
    email: entity.email,
    roles: entity.roles,
    disabled: entity.disabled,
    hasPassword: entity.passwordHash !== null,
    passwordChangeRequired: entity.passwordChangeRequired,
    createdAt: entity.createdAt.toISOString(),
    updatedAt: entity.updatedAt.toISOString(),
  };
}
