import { execFile, spawnSync } from 'node:child_process';
import { chmod, chown, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, StationError } from '../kernel/errors.js';
import type { AreaPermissions } from './area-permissions.js';

/** What is given to what is made, beside modes, resolved to numbers. */
export interface ResolvedPermissions {
  /** -1: left as it is. */
  uid: number;
  gid: number;
  /** As `setfacl -m` takes them; null: no access control lists. Files inherit theirs from their directory. */
  directoryAcl: string | null;
}

const run = promisify(execFile);
/** A name that neither scans nor audits take for data. */
const PROBE = '.dm-permissions.part';

/** Whose permissions they are, for messages: the section of the configuration, and where files are given them. */
export interface PermissionsPlace {
  section: string;
  where: string;
}

const IN_STORAGE_AREA: PermissionsPlace = { section: 'storage', where: 'in the storage area' };

export function atDestination(name: string): PermissionsPlace {
  return { section: `storage.destinations (${name})`, where: `at the destination ${name}` };
}

/**
 * Names as numbers, for system calls. Asks once, at the start, so it may wait for the answer.
 *
 * @throws StationError STORAGE_PERMISSIONS_UNKNOWN
 */
export function resolvePermissions(
  permissions: AreaPermissions,
  { section }: PermissionsPlace = IN_STORAGE_AREA,
): ResolvedPermissions {
  return {
    uid: idOf('passwd', `${section}.owner`, permissions.owner),
    gid: idOf('group', `${section}.group`, permissions.group),
    directoryAcl: permissions.directoryAcl ?? null,
  };
}

/** `getent` also knows the accounts that come from LDAP, which a look into /etc would miss. */
function idOf(database: 'passwd' | 'group', setting: string, name: string | undefined): number {
  if (name === undefined) {
    return -1;
  }
  if (/^\d+$/.test(name)) {
    return Number(name);
  }
  const { status, stdout } = spawnSync('getent', [database, name], { timeout: 5000, encoding: 'utf8' });
  const id = Number(status === 0 ? stdout.split(':')[2] : 'unknown');
  if (!Number.isInteger(id)) {
    throw unknownName(setting, name);
  }
  return id;
}

function unknownName(setting: string, name: string): StationError {
  return new StationError(
    'unavailable',
    'STORAGE_PERMISSIONS_UNKNOWN',
    `This machine does not know ${name} (${setting}). Create it, or give its number.`,
  );
}

/**
 * Tries on a file of its own whether the station may give away what the area's permissions ask for, so that it is said
 * at the start and not by the first file.
 *
 * @throws StationError STORAGE_PERMISSIONS_REFUSED
 */
export async function requirePermissions(
  root: string,
  permissions: AreaPermissions,
  resolved: ResolvedPermissions,
  place: PermissionsPlace = IN_STORAGE_AREA,
): Promise<void> {
  if (resolved.uid === -1 && resolved.gid === -1 && resolved.directoryAcl === null) {
    return;
  }
  const probe = join(root, PROBE);
  await rm(probe, { force: true });
  await (await open(probe, 'wx', 0o600)).close();
  try {
    const { owner, group, fileAcl } = permissions;
    const step = (setting: string, isWanted: boolean, attempt: () => Promise<unknown>) =>
      isWanted ? given(attempt, `${place.section}.${setting}`, place) : Promise.resolve();
    await step(`owner ${owner ?? ''}`, resolved.uid !== -1, () => chown(probe, resolved.uid, -1));
    await step(`group ${group ?? ''}`, resolved.gid !== -1, () => chown(probe, -1, resolved.gid));
    await step('fileMode', true, () => chmod(probe, 0o640));
    await step(`acl ${fileAcl ?? ''}`, fileAcl !== undefined, () =>
      run('setfacl', ['-m', fileAcl ?? '', '--', probe], { timeout: 10_000 }),
    );
  } finally {
    await rm(probe, { force: true });
  }
}

async function given(attempt: () => Promise<unknown>, setting: string, place: PermissionsPlace): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    throw permissionsRefused(setting, place, messageOf(error), error);
  }
}

export function permissionsRefused(
  setting: string,
  { where }: PermissionsPlace,
  complaint: string,
  cause?: unknown,
): StationError {
  return new StationError(
    'unavailable',
    'STORAGE_PERMISSIONS_REFUSED',
    `The station cannot give files ${setting.trim()} ${where}: ${complaint.trim()}. An owner needs a station that runs as root, a group one that its account belongs to, an access control list the package acl and a file system that has lists. Correct the setting or the account.`,
    { cause },
  );
}
