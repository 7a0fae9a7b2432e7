import { linkSync, lstatSync, renameSync } from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import { directoryOf, joinBytes, nameOf } from '../../kernel/path-bytes.js';
import type { TransferOutcome, TransferTask } from '../transfer-engine.port.js';
import type { DestinationDirectories } from './destination-directories.js';
import { syncDirectory } from './durable-directories.js';
import { type Digest, digestFile } from './file-bytes.js';

type Published = Extract<TransferOutcome, { status: 'published' }>;

/** A copy under its temporary name, proven. */
export interface ProvenCopy extends Pick<Published, 'md5Sum' | 'sizeBytes' | 'proof'> {
  /** Its content, for the rare case that it is asked whether another file has the same. */
  digest(): Digest;
}

/** Gives a copy its final name, unless a file that the station knows nothing about has it. */
export function publish(
  task: TransferTask,
  { temporary, final }: { temporary: Buffer; final: Buffer },
  destinations: DestinationDirectories,
  copy: ProvenCopy,
): TransferOutcome {
  const present = lstatSync(final, { throwIfNoEntry: false });
  let keptPrevious = false;
  if (present !== undefined) {
    const { md5Sum, sizeBytes } = copy.digest();
    const found = present.isFile() ? digestFile(final) : { md5Sum: 'not-a-file', sizeBytes: -1n };
    const isSame = found.md5Sum === md5Sum && found.sizeBytes === sizeBytes;
    if (task.replaces === null && !isSame) {
      return { id: task.id, status: 'occupied', md5Sum, foundMd5Sum: found.md5Sum };
    }
    if (task.replaces !== null) {
      // Same content: an attempt before this one was cut off after its rename; what it kept is still there.
      keptPrevious = isSame ? isKept(task) : keepPrevious(task, final, destinations);
    }
  }
  renameSync(temporary, final);
  const { md5Sum, sizeBytes, proof } = copy;
  return { id: task.id, status: 'published', md5Sum, sizeBytes, proof, keptPrevious };
}

function keptPath(task: TransferTask): Buffer {
  return joinBytes(task.experimentDirectory, task.replaces?.keepAs ?? Buffer.alloc(0));
}

function isKept(task: TransferTask): boolean {
  return lstatSync(keptPath(task), { throwIfNoEntry: false }) !== undefined;
}

/** A hard link first, then the rename over the old name: at no moment is either content without a name. */
function keepPrevious(task: TransferTask, final: Buffer, destinations: DestinationDirectories): boolean {
  const path = keptPath(task);
  const kept = Buffer.concat([destinations.prepare(task, directoryOf(path)), nameOf(path)]);
  try {
    linkSync(final, kept);
  } catch (error) {
    const code = driverCode(error);
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EMLINK') {
      renameSync(final, kept); // a file system without hard links
    } else if (code !== 'EEXIST') {
      throw error;
    }
  }
  syncDirectory(directoryOf(kept)); // before the name goes to the newer content
  return true;
}
