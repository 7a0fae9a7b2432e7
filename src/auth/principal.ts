export type SystemRole = 'administrator';
export type StationRole = 'manager' | 'operator';
/** A role that a user holds at large; roles within an experiment are {@link ExperimentRole}. */
export type GrantedRole = SystemRole | StationRole;
export type ExperimentRole = 'PI' | 'User';

export const GRANTED_ROLES = ['administrator', 'manager', 'operator'] as const satisfies readonly GrantedRole[];

/** Who is asking, as far as access decisions need to know. */
export interface Principal {
  /** `token`: a machine that acts as the user with that user's roles or fewer. `system`: the station itself. */
  kind: 'user' | 'token' | 'system';
  userId: number | null;
  username: string;
  systemRoles: ReadonlySet<SystemRole>;
  stationRoles: ReadonlySet<StationRole>;
}

/** The station acting on its own account: scheduled work, follow-ups of events. May do everything. */
export const SYSTEM_PRINCIPAL: Principal = Object.freeze({
  kind: 'system',
  userId: null,
  username: 'station',
  systemRoles: new Set<SystemRole>(),
  stationRoles: new Set<StationRole>(),
});

export function principalWith(
  kind: 'user' | 'token',
  user: { id: number; username: string },
  roles: readonly GrantedRole[],
): Principal {
  return {
    kind,
    userId: user.id,
    username: user.username,
    systemRoles: new Set(roles.filter((role) => role === 'administrator')),
    stationRoles: new Set(roles.filter((role) => role !== 'administrator')),
  };
}
