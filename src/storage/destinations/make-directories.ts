import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, open, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { driverCode } from '../../kernel/errors.js';
import { directoryOf, joinBytes, relativeTo } from '../../kernel/path-bytes.js';
import { CopyRefusal } from '../copy-faults.js';
import type { ThreadPermissions } from '../local/arrival-permissions.js';

const run = promisify(execFile);

/** Makes what is missing of a directory below `root`, durably; what is there already stays as it is. */
export async function makeDirectories(
  root: Buffer,
  directory: Buffer,
  rights: ThreadPermissions & { mode: number },
): Promise<void> {
  let at = root;
  for (const part of relativeTo(directory, root).toString('latin1').split('/')) {
    at = joinBytes(at, Buffer.from(part, 'latin1'));
    if (await isMade(at)) {
      await give(at, rights);
      await sync(at);
      await sync(directoryOf(at));
    }
  }
}

/** Nobody else enters before it has its rights. */
async function isMade(path: Buffer): Promise<boolean> {
  try {
    await mkdir(path, 0o700);
    return true;
  } catch (error) {
    if (driverCode(error) !== 'EEXIST') {
      throw error;
    }
  }
  if (!(await stat(path)).isDirectory()) {
    throw new CopyRefusal('ENOTDIR', `${path.toString()} is no directory`);
  }
  return false;
}

/** In this order: a change of group clears the set-group-id bit, and mkdir's own mode is cut by the umask. */
async function give(
  path: Buffer,
  { uid, gid, directoryAcl, mode }: ThreadPermissions & { mode: number },
): Promise<void> {
  if (uid !== -1 || gid !== -1) {
    await chown(path, uid, gid);
  }
  if (directoryAcl !== null) {
    await run('setfacl', ['-m', directoryAcl, '--', path.toString()], { timeout: 10_000 });
  }
  await chmod(path, mode);
}

async function sync(path: Buffer): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
