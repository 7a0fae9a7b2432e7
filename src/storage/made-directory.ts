import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { driverCode } from '../kernel/errors.js';
import { directoryOf } from '../kernel/path-bytes.js';
import { aclRefused, NO_PERMISSIONS } from './local/arrival-permissions.js';
import type { ResolvedPermissions } from './resolved-permissions.js';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
/** A file system that hangs must not leave a process behind for each try. */
const ACL_TIMEOUT_MS = 10_000;

/**
 * Makes one directory and its entry durable; false when something of that name is there already. The same as copying
 * threads do (`local/durable-directories.ts`), without holding up the thread that asks: a mount may hang.
 */
export async function makeDirectory(
  path: string | Buffer,
  mode: number,
  permissions: ResolvedPermissions = NO_PERMISSIONS,
): Promise<boolean> {
  try {
    await mkdir(path, 0o700);
  } catch (error) {
    if (driverCode(error) === 'EEXIST') {
      return false;
    }
    throw error;
  }
  await permitDirectory(path, mode, permissions);
  await syncDirectory(directoryOf(Buffer.from(path)));
  return true;
}

/** Gives a directory, not one that a link leads to, its owner, group, access control list and mode. */
export async function permitDirectory(
  path: string | Buffer,
  mode: number,
  permissions: ResolvedPermissions,
): Promise<void> {
  const directory = await open(path, DIRECTORY | constants.O_NOFOLLOW);
  try {
    await permitHandle(directory, { ...permissions, acl: permissions.directoryAcl, mode });
  } finally {
    await directory.close();
  }
}

/** In this order: a change of owner clears the upper bits of the mode, and the list's mask is the mode's group bits. */
export async function permitHandle(
  handle: FileHandle,
  { uid, gid, acl, mode }: { uid: number; gid: number; acl: string | null; mode: number },
): Promise<void> {
  if (uid !== -1 || gid !== -1) {
    await handle.chown(uid, gid);
  }
  if (acl !== null) {
    await setAcl(handle, acl);
  }
  await handle.chmod(mode);
}

export async function syncDirectory(path: string | Buffer): Promise<void> {
  const directory = await open(path, DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Named by its descriptor: as an argument of a program a name would have to be valid text. */
function setAcl({ fd }: FileHandle, acl: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('setfacl', ['-m', acl, '--', '/proc/self/fd/3'], {
      stdio: ['ignore', 'ignore', 'pipe', fd],
      timeout: ACL_TIMEOUT_MS,
    });
    let said = '';
    child.stderr?.setEncoding('latin1').on('data', (text: string) => {
      said += text;
    });
    child.once('error', (error) => reject(aclRefused(error.message)));
    child.once('close', (status) => {
      if (status === 0) {
        resolve();
      } else {
        reject(aclRefused(said.trim()));
      }
    });
  });
}
