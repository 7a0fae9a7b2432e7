import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import {
  AccessService,
  type ExperimentRole,
  isUsername,
  type Principal,
  type User,
  userNotFound,
  UsersService,
} from '../auth/index.js';
import { StationError } from '../kernel/errors.js';
import { Database } from '../platform/database/index.js';
import { EventLog } from '../platform/events/index.js';
import { decodeCursor, type Page, pageOf, type PageQuery } from '../platform/http/index.js';
import { ExperimentMemberRepository } from './experiment-member.repository.js';
import type { Experiment, ExperimentMember } from './experiment.js';
import { ExperimentsService } from './experiments.service.js';

/** Who belongs to an experiment, and as what. Changes are in force with the next request. */
@Injectable()
export class ExperimentMembersService {
  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly access: AccessService,
    private readonly users: UsersService,
    private readonly experiments: ExperimentsService,
    private readonly members: ExperimentMemberRepository,
  ) {}

  /** @throws StationError EXPERIMENT_NOT_FOUND */
  async list(principal: Principal, experimentName: string, query: PageQuery): Promise<Page<ExperimentMember>> {
    const experiment = await this.experiments.getByName(principal, experimentName);
    const after = decodeCursor(query.cursor, z.string().refine(isUsername));
    const members = await this.members.list(experiment.id, after, query.limit + 1);
    return pageOf(members, query.limit, (member) => member.username);
  }

  /**
   * Adds a member, or gives one another role.
   *
   * @throws StationError EXPERIMENT_NOT_FOUND, FORBIDDEN, USER_NOT_FOUND
   */
  async put(
    principal: Principal,
    experimentName: string,
    username: string,
    role: ExperimentRole,
  ): Promise<ExperimentMember> {
    const { experiment, user } = await this.managed(principal, experimentName, username);
    const member = await this.database.transaction(async (tx) => {
      const before = await this.members.roleOf(user.id, experiment.id, tx);
      const after = await this.members.put(tx, experiment.id, user.id, role);
      if (after !== null && before !== role) {
        const type = before === null ? 'experiment.member-added' : 'experiment.member-changed';
        await this.events.append(tx, [announcement(type, experiment, user, principal, { role })]);
      }
      return after;
    });
    if (member === null) {
      throw userNotFound(user.username);
    }
    return member;
  }

  /** @throws StationError EXPERIMENT_NOT_FOUND, FORBIDDEN, USER_NOT_FOUND, MEMBER_NOT_FOUND */
  async remove(principal: Principal, experimentName: string, username: string): Promise<void> {
    const { experiment, user } = await this.managed(principal, experimentName, username);
    await this.database.transaction(async (tx) => {
      if (!(await this.members.remove(tx, experiment.id, user.id))) {
        throw new StationError(
          'not-found',
          'MEMBER_NOT_FOUND',
          `${user.username} does not belong to ${experiment.name}.`,
        );
      }
      await this.events.append(tx, [announcement('experiment.member-removed', experiment, user, principal, {})]);
    });
  }

  private async managed(
    principal: Principal,
    experimentName: string,
    username: string,
  ): Promise<{ experiment: Experiment; user: User }> {
    const experiment = await this.experiments.getByName(principal, experimentName);
    await this.access.require(principal, 'experiment.manage-members', { experimentId: experiment.id });
    const user = await this.users.findByUsername(username);
    if (user === undefined) {
      throw userNotFound(username);
    }
    return { experiment, user };
  }
}

function announcement(
  type: string,
  experiment: Experiment,
  user: User,
  by: Principal,
  data: Record<string, unknown>,
): { type: string; experimentId: number; subject: string; data: Record<string, unknown> } {
  return {
    type,
    experimentId: experiment.id,
    subject: experiment.name,
    data: { name: experiment.name, username: user.username, ...data, by: by.username },
  };
}
