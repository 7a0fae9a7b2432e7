import { Inject, Injectable } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import { experimentNotFound } from '../auth.errors.js';
import type { Principal } from '../principal.js';
import { type AccessDecision, type AccessResource, decide, seesAllExperiments } from './access-decision.js';
import type { Action } from './access-rules.js';
import { MEMBERSHIP, type Membership } from './membership.port.js';

/**
 * The one place that answers "may X do Y to Z" (design invariant 10). The rules are data, in `access-rules.ts`.
 *
 * Services ask {@link require} before they act; repositories narrow what they read with {@link visibleExperiments}.
 */
@Injectable()
export class AccessService {
  constructor(@Inject(MEMBERSHIP) private readonly membership: Membership) {}

  /**
   * @throws StationError FORBIDDEN with what it would take, or EXPERIMENT_NOT_FOUND where the caller may not even learn
   * that the experiment exists.
   */
  async require(principal: Principal, action: Action, resource: AccessResource = {}): Promise<void> {
    const decision = await this.can(principal, action, resource);
    if (decision.allowed) {
      return;
    }
    if (decision.hidden) {
      throw experimentNotFound();
    }
    throw new StationError('forbidden', 'FORBIDDEN', decision.reason, { details: { action } });
  }

  /** The same decision as a value; `reason` is a sentence for the caller. */
  async can(principal: Principal, action: Action, resource: AccessResource = {}): Promise<AccessDecision> {
    const { experimentId } = resource;
    const role =
      experimentId === undefined || principal.userId === null
        ? null
        : await this.membership.roleOf(principal.userId, experimentId);
    return decide(principal, action, resource, role);
  }

  /** The access filter that repositories apply to everything that belongs to an experiment. */
  async visibleExperiments(principal: Principal): Promise<'all' | readonly number[]> {
    if (seesAllExperiments(principal)) {
      return 'all';
    }
    return principal.userId === null ? [] : this.membership.experimentsOf(principal.userId);
  }
}
