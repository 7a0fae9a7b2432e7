import { fchmodSync, fchownSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { CopyRefusal } from '../copy-faults.js';
import type { ResolvedPermissions } from '../resolved-permissions.js';

/** Directories whose list is known to be set; forgotten all at once when there are so many. */
const MOST_KNOWN = 10_000;

export const NO_PERMISSIONS: ResolvedPermissions = { uid: -1, gid: -1, directoryAcl: null };

let permissions = NO_PERMISSIONS;
const known = new Set<string>();

/** A copying thread serves one storage area; it says so once, at its start. */
export function usePermissions(given: ResolvedPermissions): void {
  permissions = given;
}

/** To be called before the mode is set: a change of owner clears its upper bits. */
export function permitFile(fd: number): void {
  if (permissions.uid !== -1 || permissions.gid !== -1) {
    fchownSync(fd, permissions.uid, permissions.gid);
  }
}

/** The same for a directory that was just made, with its mode: mkdir's is cut by the umask, and has no set-group-id bit. */
export function permitMadeDirectory(fd: number, mode: number): void {
  permitFile(fd);
  if (permissions.directoryAcl !== null) {
    setAcl(fd, permissions.directoryAcl);
  }
  fchmodSync(fd, mode);
}

/**
 * Gives an open directory its access control list, which what is made in it inherits: a process per directory, none per
 * file.
 *
 * @throws CopyRefusal when it is refused.
 */
export function permitDirectory(path: Buffer, fd: number): void {
  const { directoryAcl } = permissions;
  if (directoryAcl === null) {
    return;
  }
  const key = path.toString('latin1');
  if (known.has(key)) {
    return;
  }
  setAcl(fd, directoryAcl);
  if (known.size >= MOST_KNOWN) {
    known.clear();
  }
  known.add(key);
}

/** Named by its descriptor: as an argument of a program a name would have to be valid text. */
function setAcl(fd: number, acl: string): void {
  const { status, stderr, error } = spawnSync('setfacl', ['-m', acl, '--', '/proc/self/fd/3'], {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    encoding: 'latin1',
  });
  if (status !== 0) {
    throw aclRefused(error?.message ?? stderr.trim());
  }
}

export function aclRefused(reason: string): CopyRefusal {
  return new CopyRefusal(
    'EPERM',
    `The access control list of the storage area (storage.acl) cannot be set: ${reason}. The station's account must own what is given one, and the file system must have lists.`,
  );
}
