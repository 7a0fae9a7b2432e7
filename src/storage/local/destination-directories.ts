import { closeSync, fsyncSync } from 'node:fs';
import { directoryOf, joinBytes } from '../../kernel/path-bytes.js';
import { type Fault, faultOf } from '../copy-faults.js';
import type { TransferTask } from '../transfer-engine.port.js';
import { pathsIn } from './descriptor-paths.js';
import { openDirectory, syncDirectory } from './durable-directories.js';

/** Directories that stay open from one group of files to the next; a batch has seldom files of more. */
const MOST_OPEN = 32;

interface Destination {
  directory: Buffer;
  fd: number;
  prefix: Buffer;
}

/**
 * Destination directories of one batch: opened, made and checked once each, synced once each. Files are written and named
 * through them, so that a directory that is swapped for a link in the meantime leads nowhere.
 */
export class DestinationDirectories {
  private readonly open = new Map<string, Destination>();
  /** Got a new directory in them. */
  private readonly changed = new Map<string, Buffer>();
  private readonly faults = new Map<string, Fault>();
  private last: Destination | undefined;

  /**
   * What to put before the name of a file in the directory; good until the next `release` or `close`.
   *
   * @throws CopyRefusal for a directory that links lead out of the experiment.
   */
  prepare(task: TransferTask, directory: Buffer): Buffer {
    if (this.last?.directory.equals(directory) === true) {
      return this.last.prefix;
    }
    const key = keyOf(directory);
    const destination = this.open.get(key) ?? this.enter(task, directory, key);
    this.last = destination;
    return destination.prefix;
  }

  /** Between groups of files: keeps few open, however many directories a batch goes to. */
  release(): void {
    if (this.open.size > MOST_OPEN) {
      this.syncOpen();
      this.close();
    }
  }

  /** Syncs what was changed; answers what fails a task whose directory could not be. */
  syncTouched(): (task: TransferTask) => Fault | undefined {
    this.syncOpen();
    for (const [key, directory] of this.changed) {
      if (!this.open.has(key)) {
        this.noteFault(key, () => syncDirectory(directory));
      }
    }
    return (task) =>
      this.faults.size === 0
        ? undefined
        : this.faults.get(keyOf(directoryOf(joinBytes(task.experimentDirectory, task.destinationPath))));
  }

  close(): void {
    this.last = undefined;
    this.open.forEach(({ fd }) => closeSync(fd));
    this.open.clear();
  }

  private enter(task: TransferTask, directory: Buffer, key: string): Destination {
    const { fd, changed } = openDirectory(task.experimentDirectory, directory, task.directoryMode);
    const destination = { directory, fd, prefix: pathsIn(fd) };
    this.open.set(key, destination);
    changed.forEach((one) => this.changed.set(keyOf(one), one));
    return destination;
  }

  private syncOpen(): void {
    for (const [key, { fd }] of this.open) {
      this.noteFault(key, () => fsyncSync(fd));
    }
  }

  private noteFault(key: string, sync: () => void): void {
    try {
      sync();
    } catch (error) {
      this.faults.set(key, faultOf(error));
    }
  }
}

function keyOf(directory: Uint8Array): string {
  return Buffer.from(directory.buffer, directory.byteOffset, directory.byteLength).toString('latin1');
}
