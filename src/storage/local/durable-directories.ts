import { closeSync, constants, fsyncSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import { directoryOf, isBelowOrSame, nameOf } from '../../kernel/path-bytes.js';
import { CopyRefusal } from '../copy-faults.js';
import { permitDirectory, permitMadeDirectory } from './arrival-permissions.js';
import { pathsIn, whereLies } from './descriptor-paths.js';

const OPEN = constants.O_RDONLY | constants.O_DIRECTORY;

/** A directory of an experiment, opened: what is done through it is done there, wherever its name leads by now. */
export interface OpenDirectory {
  fd: number;
  /** Directories on the way to it that got a new entry. */
  changed: Buffer[];
}

/**
 * Opens a directory of an experiment (which must exist) and makes what is missing. What is made is made through the
 * directory above it, so that a directory that is swapped for a link leads nowhere.
 *
 * @throws CopyRefusal for one that links lead out of the experiment, before anything is made there.
 */
export function openDirectory(experiment: Uint8Array, directory: Buffer, mode: number): OpenDirectory {
  const missing: Buffer[] = [];
  const changed: Buffer[] = [];
  let at = directory;
  let fd = openIfThere(at);
  while (fd === undefined) {
    if (at.length <= experiment.length) {
      throw new CopyRefusal('ENOENT', 'The directory of the experiment is not there.');
    }
    missing.push(nameOf(at));
    at = directoryOf(at);
    fd = openIfThere(at);
  }
  try {
    requireInside(fd, experiment);
    for (const name of missing.reverse()) {
      const next = makeIn(fd, name, mode);
      closeSync(fd);
      fd = next;
      changed.push(at);
      at = Buffer.concat([at, SLASH, name]);
    }
    permitDirectory(directory, fd);
    return { fd, changed };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

const SLASH = Buffer.from('/');

function makeIn(parent: number, name: Buffer, mode: number): number {
  const path = Buffer.concat([pathsIn(parent), name]);
  const isMade = makeUnlessThere(path);
  const fd = openSync(path, OPEN | constants.O_NOFOLLOW);
  if (isMade) {
    try {
      permitMadeDirectory(fd, mode);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }
  return fd;
}

/** Another worker may have been faster. */
function makeUnlessThere(path: Buffer): boolean {
  try {
    mkdirSync(path, 0o700);
    return true;
  } catch (error) {
    if (driverCode(error) !== 'EEXIST') {
      throw error;
    }
    return false;
  }
}

function openIfThere(path: Buffer): number | undefined {
  try {
    return openSync(path, OPEN);
  } catch (error) {
    if (driverCode(error) !== 'ENOENT') {
      throw error;
    }
    return undefined;
  }
}

/** `native`: the other one does not survive invalid UTF-8. */
function requireInside(fd: number, experiment: Uint8Array): void {
  const root = realpathSync.native(Buffer.from(experiment), 'buffer');
  if (!isBelowOrSame(whereLies(fd), root)) {
    throw new CopyRefusal('EPERM', 'The destination leads out of the experiment through a symbolic link.');
  }
}

export function syncDirectory(directory: Buffer): void {
  const fd = openSync(directory, OPEN);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
