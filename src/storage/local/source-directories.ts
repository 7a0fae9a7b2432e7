import { closeSync, constants, openSync } from 'node:fs';
import { isBelowOrSame, splitPath } from '../../kernel/path-bytes.js';
import { CopyRefusal } from '../copy-faults.js';
import type { TransferTask } from '../transfer-engine.port.js';
import { pathsIn, whereLies } from './descriptor-paths.js';

/** Linux: opens a directory as a place only, for which nobody needs the right to list it; Node.js has no name for it. */
const O_PATH = 0o10000000;
const OPEN = O_PATH | constants.O_DIRECTORY;
/** Directories that are kept open at a time; a batch has seldom files of more. */
const MOST_OPEN = 32;

interface OpenDirectory {
  path: Buffer;
  roots: readonly Uint8Array[];
  fd: number;
  /** By which the kernel finds what is in it, wherever the name of the directory may lead by now. */
  prefix: Buffer;
}

/**
 * The directories that the sources of a batch lie in, each opened and checked once. Files are opened through them, so that a
 * directory that is swapped for a link in the meantime leads nowhere. Measured: asking the kernel where each file lies takes
 * as long as opening it twice.
 */
export class SourceDirectories {
  private readonly open = new Map<string, OpenDirectory>();
  private last: OpenDirectory | undefined;

  /**
   * The path by which the task's source is to be opened.
   *
   * @throws CopyRefusal when its directory lies outside of the source roots; what opening the directory throws.
   */
  pathTo(task: TransferTask): Buffer {
    const [path, name] = splitPath(task.sourcePath);
    const directory = this.isLast(path, task) ? this.last : this.enter(path, task.sourceRoots);
    this.last = directory;
    return Buffer.concat([directory?.prefix ?? path, name]);
  }

  close(): void {
    this.last = undefined;
    this.open.forEach(({ fd }) => closeSync(fd));
    this.open.clear();
  }

  private isLast(path: Buffer, task: TransferTask): boolean {
    return this.last !== undefined && this.last.roots === task.sourceRoots && this.last.path.equals(path);
  }

  private enter(path: Buffer, roots: readonly Uint8Array[]): OpenDirectory {
    const key = path.toString('latin1');
    const known = this.open.get(key);
    if (known !== undefined) {
      requireBelowRoots(known.fd, roots);
      return known;
    }
    if (this.open.size >= MOST_OPEN) {
      this.close();
    }
    const fd = openSync(path, OPEN);
    const directory = { path, roots, fd, prefix: pathsIn(fd) };
    this.open.set(key, directory);
    requireBelowRoots(fd, roots);
    return directory;
  }
}

function requireBelowRoots(fd: number, roots: readonly Uint8Array[]): void {
  const real = whereLies(fd);
  if (!roots.some((root) => isBelowOrSame(real, root))) {
    throw new CopyRefusal('EPERM', 'The source leads out of the configured source roots through a symbolic link.');
  }
}
