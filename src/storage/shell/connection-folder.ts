import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProcessAlive } from '../../platform/process-alive.js';

/** The path of a Unix socket has about a hundred bytes at most. */
const LONGEST_TEMPORARY = 60;
const PREFIX = 'dm-ssh-';

/**
 * A new folder for what belongs to one connection: ssh's settings, and its socket. It carries the number of this process:
 * what a station that was killed has left is removed on the way.
 */
export async function connectionFolder(
  base: string = tmpdir().length > LONGEST_TEMPORARY ? '/tmp' : tmpdir(),
): Promise<string> {
  for (const name of await readdir(base)) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !isProcessAlive(Number(owner))) {
      await rm(join(base, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
  return mkdtemp(join(base, `${PREFIX}${process.pid}-`));
}
