import { chmodSync, closeSync, constants, fsyncSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import { directoryOf } from '../../kernel/path-bytes.js';
import { permitMadeDirectory } from './arrival-permissions.js';

/** Makes what is missing between `base` (which must exist) and `directory`; answers the directories that changed. */
export function makeDirectories(base: Uint8Array, directory: Buffer, mode: number): Buffer[] {
  const changed: Buffer[] = [];
  const missing: Buffer[] = [];
  let at = directory;
  while (at.length > base.length && !exists(at)) {
    missing.push(at);
    at = directoryOf(at);
  }
  for (const made of missing.reverse()) {
    try {
      mkdirSync(made);
      permitMadeDirectory(made);
      chmodSync(made, mode); // mkdir's own mode is cut by the umask and cannot carry the set-group-id bit
    } catch (error) {
      // Another worker may have been faster.
      if (!(driverCode(error) === 'EEXIST')) {
        throw error;
      }
    }
    changed.push(directoryOf(made));
  }
  return changed;
}

function exists(path: Buffer): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

export function syncDirectory(directory: Buffer): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
