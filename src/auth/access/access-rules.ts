/**
 * Who fits a rule. The first three are roles of a user; `PI` and `User` hold within the experiment that is asked about;
 * `owner` is the person that the thing belongs to (`ownerUsername`), as long as they may see its experiment; `everyone`
 * is whoever is logged in; `lister` too, but only while no particular experiment or owner is named: they may ask for the
 * list, which the repository then narrows to what they may see.
 */
export type Holder = 'administrator' | 'manager' | 'operator' | 'PI' | 'User' | 'owner' | 'everyone' | 'lister';

export interface AccessRule {
  /** Completes "You may not …". */
  readonly what: string;
  readonly holders: readonly Holder[];
}

const STAFF = ['administrator', 'manager', 'operator'] as const;
const MANAGEMENT = ['administrator', 'manager'] as const;

/** The decision table: every action of the station and who may do it. There is no other place that grants anything. */
export const ACCESS_RULES = {
  'experiment.list': { what: 'list experiments', holders: ['everyone'] },
  'experiment.create': { what: 'create experiments', holders: [...STAFF] },
  'experiment.read': { what: 'see this experiment', holders: [...STAFF, 'PI', 'User'] },
  'experiment.update': { what: 'change this experiment', holders: [...MANAGEMENT, 'PI'] },
  'experiment.delete': { what: 'delete experiments', holders: [...MANAGEMENT] },
  'experiment.manage-members': { what: 'change who belongs to this experiment', holders: [...MANAGEMENT, 'PI'] },
  'file.read': { what: "see this experiment's files", holders: [...STAFF, 'PI', 'User'] },
  'file.write': { what: "change this experiment's catalog", holders: [...MANAGEMENT, 'PI', 'User'] },
  'file.delete': { what: "delete this experiment's files", holders: [...MANAGEMENT, 'PI'] },
  'file.transform': { what: "compress this experiment's files", holders: [...MANAGEMENT, 'PI', 'User'] },
  'acquisition.read': { what: 'see this acquisition', holders: [...STAFF, 'PI', 'User', 'lister'] },
  'acquisition.start': { what: 'start acquisitions', holders: [...STAFF] },
  'acquisition.control': { what: 'stop or clear this acquisition', holders: [...STAFF, 'PI'] },
  'audit.read': { what: 'see these audits', holders: [...STAFF, 'PI', 'User', 'lister'] },
  'audit.start': { what: 'start or stop audits here', holders: [...STAFF, 'PI'] },
  'audit.repair': { what: 'have findings repaired here', holders: [...MANAGEMENT, 'PI'] },
  'workflow.read': { what: 'see workflows', holders: ['everyone'] },
  'workflow.define': { what: 'define workflows', holders: [...MANAGEMENT] },
  'job.read': { what: 'see this job', holders: [...STAFF, 'PI', 'User', 'owner', 'lister'] },
  'job.start': { what: 'run workflows here', holders: [...MANAGEMENT, 'PI', 'User'] },
  'job.control': { what: 'stop or change this job', holders: [...MANAGEMENT, 'PI', 'owner'] },
  'user.read': { what: 'see the accounts of others', holders: [...MANAGEMENT, 'owner'] },
  'user.manage': { what: 'manage users', holders: ['administrator'] },
  'station.read': { what: 'see the station', holders: ['everyone'] },
  'station.manage': { what: 'change the set-up of the station', holders: [...MANAGEMENT] },
  'alarm.read': { what: 'see these alarms', holders: [...STAFF, 'PI', 'User', 'lister'] },
  'event.read': { what: 'see these events', holders: [...STAFF, 'PI', 'User', 'lister'] },
} as const satisfies Record<string, AccessRule>;

export type Action = keyof typeof ACCESS_RULES;

export function ruleOf(action: Action): AccessRule {
  return ACCESS_RULES[action];
}
