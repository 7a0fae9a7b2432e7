import { stat } from 'node:fs/promises';
import { joinBytes, relativeTo } from '../../kernel/path-bytes.js';
import { CopyRefusal } from '../copy-faults.js';
import { makeDirectory } from '../made-directory.js';
import type { ResolvedPermissions } from '../resolved-permissions.js';

/** Makes what is missing of a directory below `root`, durably; what is there already stays as it is. */
export async function makeDirectories(
  root: Buffer,
  directory: Buffer,
  rights: ResolvedPermissions & { mode: number },
): Promise<void> {
  let at = root;
  for (const part of relativeTo(directory, root).toString('latin1').split('/')) {
    at = joinBytes(at, Buffer.from(part, 'latin1'));
    if (!(await makeDirectory(at, rights.mode, rights)) && !(await stat(at)).isDirectory()) {
      throw new CopyRefusal('ENOTDIR', `${at.toString()} is no directory`);
    }
  }
}
