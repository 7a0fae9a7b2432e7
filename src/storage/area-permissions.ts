import { z } from 'zod';

const account = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, 'must be the name or the number of an account or a group');

const aclEntry = z
  .string()
  .regex(
    /^(user|u|group|g):[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}:[rwxX-]{1,3}$/,
    'must be an entry as setfacl takes it, such as "group:staff:rX"',
  );

/** Keys of the section `storage` that say who may do what with files as they arrive, beside their modes. */
export const areaPermissionKeys = {
  /** Account that owns files and directories. Needs a station that runs as root. Default: the station's own. */
  owner: account.optional(),
  /**
   * Group of files and directories; the station's account must belong to it. Default: that of the experiment's directory
   * (`experiments.group`), which the set-group-id bit of `directoryMode` hands down.
   */
  group: account.optional(),
  /** Further entries of their access control lists; the group bits of `fileMode` and `directoryMode` bound them. */
  acl: z.array(aclEntry).default([]),
};

/** The same keys of a destination; what is not given is as in the storage area. */
export const destinationPermissionKeys = {
  owner: account.optional(),
  group: account.optional(),
  acl: z.array(aclEntry).optional(),
};

/** For a destination whose channel can set nothing but the group. */
export const destinationGroupKey = { group: account.optional() };

/** What files and directories of a storage area get as they arrive, beside their modes. Names or numbers. */
export interface AreaPermissions {
  owner?: string | undefined;
  group?: string | undefined;
  /** Entries as `setfacl -m` takes them. */
  fileAcl?: string | undefined;
  /** Of directories, with what their files and directories inherit. */
  directoryAcl?: string | undefined;
}

export function permissionsOf(area: {
  owner?: string | undefined;
  group?: string | undefined;
  acl: readonly string[];
}): AreaPermissions {
  const { owner, group, acl } = area;
  return {
    owner,
    group,
    ...(acl.length === 0
      ? {}
      : { fileAcl: acl.join(','), directoryAcl: [...acl, ...acl.map((entry) => `default:${entry}`)].join(',') }),
  };
}

/** Of a destination that says some of it itself. */
export function permissionsAt(
  destination: { owner?: string | undefined; group?: string | undefined; acl?: readonly string[] | undefined },
  area: AreaPermissions,
): AreaPermissions {
  const { owner = area.owner, group = area.group, acl } = destination;
  return acl === undefined ? { ...area, owner, group } : permissionsOf({ owner, group, acl });
}
