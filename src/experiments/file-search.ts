import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { driverCode } from '../kernel/errors.js';

/** A tree with more directories than this counts as holding something; nobody makes so many for nothing. */
const MAX_DIRECTORIES = 10_000;

/**
 * Whether there is anything but directories below `directory`. Stops at the first find. What cannot be looked into (no
 * permission, a name that is no UTF-8) counts as a find: when in doubt, there is something to lose.
 */
export async function holdsFiles(directory: string): Promise<boolean> {
  const pending = [directory];
  for (let seen = 0; pending.length > 0; seen += 1) {
    if (seen >= MAX_DIRECTORIES) {
      return true;
    }
    const found = await lookInto(pending.pop() as string, pending);
    if (found) {
      return true;
    }
  }
  return false;

  async function lookInto(path: string, subdirectories: string[]): Promise<boolean> {
    try {
      for await (const entry of await opendir(path)) {
        if (!entry.isDirectory()) {
          return true;
        }
        subdirectories.push(join(path, entry.name));
      }
      return false;
    } catch (error) {
      if (path === directory && driverCode(error) === 'ENOENT') {
        return false;
      }
      return true;
    }
  }
}
