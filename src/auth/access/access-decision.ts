import type { ExperimentRole, Principal } from '../principal.js';
import { type Action, type Holder, ruleOf } from './access-rules.js';

/** What an action is about. Neither key: no particular thing (a list, or something of the station). */
export interface AccessResource {
  experimentId?: number | undefined;
  ownerUsername?: string | undefined;
}

export type AccessDecision =
  | { allowed: true }
  /** `hidden`: the caller may not even learn that the experiment exists. */
  | { allowed: false; reason: string; hidden: boolean };

/** Decides by the table alone; `experimentRole` is the caller's role in `resource.experimentId`, if any. */
export function decide(
  principal: Principal,
  action: Action,
  resource: AccessResource,
  experimentRole: ExperimentRole | null,
): AccessDecision {
  if (principal.kind === 'system') {
    return { allowed: true };
  }
  const rule = ruleOf(action);
  const held = holdersFor(principal, resource, experimentRole);
  if (rule.holders.some((holder) => held.has(holder))) {
    return { allowed: true };
  }
  return {
    allowed: false,
    hidden: resource.experimentId !== undefined && experimentRole === null && !seesAllExperiments(principal),
    reason: `You may not ${rule.what}: that takes ${described(rule.holders)}.`,
  };
}

/** Whether the roles alone open every experiment of the station, without membership. */
export function seesAllExperiments(principal: Principal): boolean {
  return (
    principal.kind === 'system' ||
    ruleOf('experiment.read').holders.some((holder) => grantedHolders(principal).has(holder))
  );
}

function grantedHolders(principal: Principal): Set<Holder> {
  return new Set<Holder>([...principal.systemRoles, ...principal.stationRoles]);
}

function holdersFor(
  principal: Principal,
  resource: AccessResource,
  experimentRole: ExperimentRole | null,
): Set<Holder> {
  const held = grantedHolders(principal).add('everyone');
  const isAboutExperiment = resource.experimentId !== undefined;
  const seesExperiment = !isAboutExperiment || experimentRole !== null || seesAllExperiments(principal);
  if (isAboutExperiment && experimentRole !== null) {
    held.add(experimentRole);
  }
  if (resource.ownerUsername === principal.username && seesExperiment) {
    held.add('owner');
  }
  if (!isAboutExperiment && resource.ownerUsername === undefined) {
    held.add('lister');
  }
  return held;
}

const IN_WORDS: Record<Exclude<Holder, 'lister'>, string> = {
  administrator: 'an administrator',
  manager: 'the station manager',
  operator: 'an operator',
  PI: "the experiment's PI",
  User: 'a member of the experiment',
  owner: 'the owner',
  everyone: 'a login',
};

function described(holders: readonly Holder[]): string {
  const words = holders.filter((holder) => holder !== 'lister').map((holder) => IN_WORDS[holder]);
  const last = words.pop() ?? 'nobody';
  return words.length === 0 ? last : `${words.join(', ')} or ${last}`;
}
