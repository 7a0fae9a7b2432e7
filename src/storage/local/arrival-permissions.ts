import { closeSync, constants, fchownSync, openSync } from 'node:fs';
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

/** The same for a directory that was just made. */
export function permitMadeDirectory(path: Buffer): void {
  if (permissions.uid !== -1 || permissions.gid !== -1) {
    withDirectory(path, (fd) => fchownSync(fd, permissions.uid, permissions.gid));
  }
  permitDirectory(path);
}

/**
 * Gives a directory its access control list, which what is made in it inherits: a process per directory, none per file.
 *
 * @throws CopyRefusal when it is refused.
 */
export function permitDirectory(path: Buffer): void {
  const { directoryAcl } = permissions;
  const key = path.toString('latin1');
  if (directoryAcl === null || known.has(key)) {
    return;
  }
  withDirectory(path, (fd) => {
    // Named by its descriptor: as an argument of a program a name would have to be valid text.
    const { status, stderr, error } = spawnSync('setfacl', ['-m', directoryAcl, '--', '/proc/self/fd/3'], {
      stdio: ['ignore', 'ignore', 'pipe', fd],
      encoding: 'latin1',
    });
    if (status !== 0) {
      throw aclRefused(error?.message ?? stderr.trim());
    }
  });
  if (known.size >= MOST_KNOWN) {
    known.clear();
  }
  known.add(key);
}

export function aclRefused(reason: string): CopyRefusal {
  return new CopyRefusal(
    'EPERM',
    `The access control list of the storage area (storage.acl) cannot be set: ${reason}. The station's account must own what is given one, and the file system must have lists.`,
  );
}

function withDirectory(path: Buffer, action: (fd: number) => void): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    action(fd);
  } finally {
    closeSync(fd);
  }
}
