import { realpathSync } from 'node:fs';
import { directoryOf, isBelowOrSame, joinBytes } from '../../kernel/path-bytes.js';
import { CopyRefusal, type Fault, faultOf } from '../copy-faults.js';
import type { TransferTask } from '../transfer-engine.port.js';
import { permitDirectory } from './arrival-permissions.js';
import { makeDirectories, syncDirectory } from './durable-directories.js';

/** Destination directories of one batch: made and checked once each, synced once each. */
export class DestinationDirectories {
  private readonly ready = new Set<string>();
  private readonly touched = new Map<string, Buffer>();
  private last: Buffer | undefined;

  /** Makes the directory of a destination of the task; refuses one that links lead out of the experiment. */
  prepare(task: TransferTask, directory: Buffer): void {
    if (this.last?.equals(directory) === true) {
      return;
    }
    const key = keyOf(directory);
    if (!this.ready.has(key)) {
      for (const made of makeDirectories(task.experimentDirectory, directory, task.directoryMode)) {
        this.touched.set(keyOf(made), made);
      }
      // `native`: the other one decodes the path on its way, which names that are no valid UTF-8 do not survive.
      const experiment = realpathSync.native(Buffer.from(task.experimentDirectory), 'buffer');
      if (!isBelowOrSame(realpathSync.native(directory, 'buffer'), experiment)) {
        throw new CopyRefusal('EPERM', 'The destination leads out of the experiment through a symbolic link.');
      }
      permitDirectory(directory);
      this.ready.add(key);
      this.touched.set(key, directory);
    }
    this.last = directory;
  }

  /** Syncs what was changed; answers what fails a task whose directory could not be. */
  syncTouched(): (task: TransferTask) => Fault | undefined {
    const faults = new Map<string, Fault>();
    for (const [key, directory] of this.touched) {
      try {
        syncDirectory(directory);
      } catch (error) {
        faults.set(key, faultOf(error));
      }
    }
    return (task) =>
      faults.size === 0
        ? undefined
        : faults.get(keyOf(directoryOf(joinBytes(task.experimentDirectory, task.destinationPath))));
  }
}

function keyOf(directory: Uint8Array): string {
  return Buffer.from(directory.buffer, directory.byteOffset, directory.byteLength).toString('latin1');
}
