import { describe, expect, it } from 'vitest';
import { type GrantedRole, principalWith, SYSTEM_PRINCIPAL } from '../principal.js';
import { type AccessResource, decide, seesAllExperiments } from './access-decision.js';
import { ACCESS_RULES, type Action } from './access-rules.js';

type Asker = 'administrator' | 'manager' | 'operator' | 'PI' | 'User' | 'owner' | 'stranger';

const ASKERS: readonly Asker[] = ['administrator', 'manager', 'operator', 'PI', 'User', 'owner', 'stranger'];

/**
 * Written down a second time, on purpose, as a person would check it: who may do it to a thing in an experiment (or of an
 * owner), in the order of ASKERS, and whether anybody may ask for the list. `x` yes, `.` no, `?` no, and not even that
 * the experiment exists. The owner is a stranger to the experiment of the thing.
 */
const IN_AN_EXPERIMENT: Record<Action, string> = {
  'experiment.list': 'xxxxxxx list',
  'experiment.create': 'xxx..?? -',
  'experiment.read': 'xxxxx?? -',
  'experiment.update': 'xx.x.?? -',
  'experiment.delete': 'xx...?? -',
  'experiment.manage-members': 'xx.x.?? -',
  'file.read': 'xxxxx?? -',
  'file.write': 'xx.xx?? -',
  'file.delete': 'xx.x.?? -',
  'file.transform': 'xx.xx?? -',
  'acquisition.read': 'xxxxx?? list',
  'acquisition.start': 'xxx..?? -',
  'acquisition.control': 'xxxx.?? -',
  'audit.read': 'xxxxx?? list',
  'audit.start': 'xxxx.?? -',
  'audit.repair': 'xx.x.?? -',
  'workflow.read': 'xxxxxxx list',
  'workflow.define': 'xx...?? -',
  'job.read': 'xxxxx?? list',
  'job.start': 'xx.xx?? -',
  'job.control': 'xx.x.?? -',
  'user.read': 'xx...?? -',
  'user.manage': 'x....?? -',
  'station.read': 'xxxxxxx list',
  'station.manage': 'xx...?? -',
  'alarm.read': 'xxxxx?? list',
  'event.read': 'xxxxx?? list',
};

const EXPERIMENT = 7;
const CASES = (Object.keys(IN_AN_EXPERIMENT) as Action[]).flatMap((action) =>
  ASKERS.map((asker, column) => ({ action, asker, expected: IN_AN_EXPERIMENT[action][column] ?? '' })),
);

describe(decide.name, () => {
  it('is tested for every action that there is', () => {
    expect(Object.keys(IN_AN_EXPERIMENT).sort()).toEqual(Object.keys(ACCESS_RULES).sort());
  });

  it.each(CASES)('answers "$expected" when $asker asks for $action in an experiment', ({ action, asker, expected }) => {
    expect(mark(asker, action, { experimentId: EXPERIMENT, ownerUsername: 'owner' })).toBe(expected);
  });

  it.each(Object.entries(IN_AN_EXPERIMENT) as [Action, string][])(
    'lets somebody without any role ask for the list by %s only where lists are filtered',
    (action, row) => {
      expect(mark('stranger', action, {})).toBe(row.endsWith('list') ? 'x' : '.');
    },
  );

  it.each(['administrator', 'manager', 'operator'] as const)('gives %s at large what they may do anywhere', (role) => {
    const column = ASKERS.indexOf(role);
    for (const action of Object.keys(IN_AN_EXPERIMENT) as Action[]) {
      const isFiltered = IN_AN_EXPERIMENT[action].endsWith('list');
      expect(mark(role, action, {}), action).toBe(isFiltered ? 'x' : IN_AN_EXPERIMENT[action][column]);
    }
  });

  it.each([
    ['job.read', 'x'],
    ['job.control', 'x'],
    ['user.read', 'x'],
    ['user.manage', '.'],
    ['job.start', '.'],
  ] as const)('lets owners of things outside of experiments do %s: %s', (action, expected) => {
    expect(mark('owner', action, { ownerUsername: 'owner' })).toBe(expected);
  });

  it('lets owners control their things in experiments while they belong to these, and no longer', () => {
    const resource = { experimentId: EXPERIMENT, ownerUsername: 'owner' };
    const owner = principalWith('user', { id: 1, username: 'owner' }, []);

    expect(decide(owner, 'job.control', resource, 'User').allowed).toBe(true);
    expect(decide(owner, 'job.control', resource, null).allowed).toBe(false);
  });

  it("hides other people's things outside of experiments from those without a role", () => {
    expect(mark('stranger', 'job.read', { ownerUsername: 'owner' })).toBe('.');
    expect(mark('stranger', 'user.read', { ownerUsername: 'owner' })).toBe('.');
  });

  it('lets the station itself do everything', () => {
    for (const action of Object.keys(ACCESS_RULES) as Action[]) {
      expect(decide(SYSTEM_PRINCIPAL, action, { experimentId: EXPERIMENT }, null)).toEqual({ allowed: true });
    }
  });

  it('says in a refusal what it would take', () => {
    const user = principalWith('user', { id: 1, username: 'jdoe' }, []);

    expect(decide(user, 'acquisition.start', {}, null)).toEqual({
      allowed: false,
      hidden: false,
      reason: 'You may not start acquisitions: that takes an administrator, the station manager or an operator.',
    });
  });
});

describe(seesAllExperiments.name, () => {
  it.each([
    [['administrator'], true],
    [['manager'], true],
    [['operator'], true],
    [[], false],
  ] as [GrantedRole[], boolean][])('answers for the roles %j: %s', (roles, expected) => {
    expect(seesAllExperiments(principalWith('token', { id: 1, username: 'jdoe' }, roles))).toBe(expected);
  });
});

function mark(asker: Asker, action: Action, resource: AccessResource): string {
  const granted = (['administrator', 'manager', 'operator'] as const).filter((role) => role === asker);
  const role = (asker === 'PI' || asker === 'User') && resource.experimentId !== undefined ? asker : null;
  const decision = decide(principalWith('user', { id: 1, username: asker }, granted), action, resource, role);
  return decision.allowed ? 'x' : decision.hidden ? '?' : '.';
}
