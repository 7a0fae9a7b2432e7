import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { StationError } from '../kernel/errors.js';

const run = promisify(execFile);

/**
 * Number of a group that is given by name or number. `getent` also knows the groups that come from LDAP, which a look
 * into /etc/group would miss.
 *
 * @throws StationError GROUP_UNKNOWN
 */
export async function groupId(nameOrNumber: string): Promise<number> {
  if (/^\d+$/.test(nameOrNumber)) {
    return Number(nameOrNumber);
  }
  try {
    const { stdout } = await run('getent', ['group', nameOrNumber], { timeout: 5000 });
    const id = Number(stdout.split(':')[2]);
    if (Number.isInteger(id)) {
      return id;
    }
  } catch (error) {
    throw unknownGroup(nameOrNumber, error);
  }
  throw unknownGroup(nameOrNumber);
}

function unknownGroup(name: string, cause?: unknown): StationError {
  return new StationError(
    'unavailable',
    'GROUP_UNKNOWN',
    `This machine does not know the group ${name} (experiments.group). Create it, or give its number.`,
    { cause },
  );
}
