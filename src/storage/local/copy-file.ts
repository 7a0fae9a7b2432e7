import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  readlinkSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import { directoryOf, isBelowOrSame, joinBytes } from '../../kernel/path-bytes.js';
import { CopyRefusal } from '../copy-faults.js';
import { makeDirectories, syncDirectory } from './durable-directories.js';
import { type Digest, digestFile, digestOf, pour, pourUnseen } from './pour.js';
import type { FileIdentity, Remains, TransferOutcome, TransferTask } from '../transfer-engine.port.js';

/** The temporary file of a task lies beside its destination and carries its id. */
export function temporaryOf(task: Remains): Buffer {
  const directory = directoryOf(joinBytes(task.experimentDirectory, task.destinationPath));
  return joinBytes(directory, Buffer.from(`.dm-${task.id}.part`));
}

const WRITE_NEW = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/**
 * One file, from source to its final name: read once (digest on the way), write to a temporary name beside the
 * destination, sync, look at the source again, read the copy back, publish by rename.
 */
export function copyFile(task: TransferTask, prepareDirectory: () => void): TransferOutcome {
  const source = openSource(task);
  if (typeof source !== 'number') {
    return source;
  }
  try {
    if (task.mode === 'compare') {
      const { md5Sum, sizeBytes } = digestOf(source);
      const change = changeOf(source, task);
      return change ?? { id: task.id, status: 'compared', md5Sum, sizeBytes };
    }
    prepareDirectory();
    return copyOpened(task, source);
  } finally {
    closeSync(source);
  }
}

function copyOpened(task: TransferTask, source: number): TransferOutcome {
  const temporary = temporaryOf(task);
  let published = false;
  const target = openSync(temporary, WRITE_NEW, 0o600);
  try {
    const copy = task.proof === 'size' ? bringUnseen(task, source, target) : bringDigested(task, source, target);
    const before = fstatSync(source, { bigint: true });
    futimesSync(target, seconds(before.atimeNs), seconds(before.mtimeNs));
    fchmodSync(target, task.fileMode);
    fsyncSync(target);
    const refused = changeOf(source, task) ?? otherContent(task, copy) ?? copy.check();
    if (refused !== undefined) {
      return refused;
    }
    const outcome = publish(task, temporary, copy);
    published = outcome.status === 'published';
    return outcome;
  } finally {
    closeSync(target);
    if (!published) {
      removeQuietly(temporary);
    }
  }
}

function openSource(task: TransferTask): number | TransferOutcome {
  let fd: number;
  try {
    fd = openSync(Buffer.from(task.sourcePath), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (driverCode(error) === 'ENOENT') {
      return { id: task.id, status: 'vanished' };
    }
    throw error;
  }
  const stats = fstatSync(fd, { bigint: true });
  const change = stats.isFile() ? differenceOf(stats, task.expected) : 'it is no longer a regular file';
  if (change !== undefined) {
    closeSync(fd);
    return { id: task.id, status: 'changed', detail: change };
  }
  if (!isBelowRoots(fd, task.sourceRoots)) {
    closeSync(fd);
    throw new CopyRefusal('EPERM', 'The source leads out of the configured source roots through a symbolic link.');
  }
  return fd;
}

/** The kernel's own word on where an open file lies, so that a directory swapped for a link is found out. */
function isBelowRoots(fd: number, roots: readonly Uint8Array[]): boolean {
  const real = readlinkSync(`/proc/self/fd/${fd}`, 'buffer');
  return roots.some((root) => isBelowOrSame(real, root));
}

function changeOf(fd: number, task: TransferTask): TransferOutcome | undefined {
  const detail = differenceOf(fstatSync(fd, { bigint: true }), task.expected) ?? replacementOf(task);
  return detail === undefined ? undefined : { id: task.id, status: 'changed', detail };
}

function differenceOf(stats: BigIntStats, expected: FileIdentity): string | undefined {
  if (stats.size !== expected.sizeBytes) {
    return `its size went from ${expected.sizeBytes} to ${stats.size} bytes`;
  }
  if (stats.mtimeNs !== expected.mtimeNs) {
    return 'it was written to';
  }
  return stats.ino === expected.inode ? undefined : 'another file has taken its name';
}

/** For copies of what was digested before: rotten or replaced content is not passed on. */
function otherContent(task: TransferTask, { proven }: Copy): TransferOutcome | undefined {
  return task.expectedMd5Sum === undefined || proven.md5Sum === task.expectedMd5Sum
    ? undefined
    : {
        id: task.id,
        status: 'changed',
        detail: `its MD5 is ${proven.md5Sum ?? 'not known'}, not ${task.expectedMd5Sum}`,
      };
}

/** The open file stays what it was when its name is given to another; the name is what users mean. */
function replacementOf(task: TransferTask): string | undefined {
  const now = lstatSync(Buffer.from(task.sourcePath), { bigint: true, throwIfNoEntry: false });
  return now === undefined || now.ino === task.expected.inode ? undefined : 'another file has taken its name';
}

/** A copy under its temporary name. */
interface Copy {
  proven: Pick<Extract<TransferOutcome, { status: 'published' }>, 'md5Sum' | 'sizeBytes' | 'proof'>;
  /** Refuses the copy if what lies there is not what was brought. */
  check(): TransferOutcome | undefined;
  /** Its content, for the rare case that it is asked whether another file has the same. */
  digest(): Digest;
}

function bringDigested(task: TransferTask, source: number, target: number): Copy {
  const poured = pour(source, target, task.expected.sizeBytes);
  const { md5Sum, sizeBytes } = poured;
  return {
    proven: { md5Sum, sizeBytes, proof: 'read-back' },
    check: () => {
      const foundMd5Sum = poured.verify(target);
      return foundMd5Sum === md5Sum ? undefined : { id: task.id, status: 'corrupt', md5Sum, foundMd5Sum };
    },
    digest: () => poured,
  };
}

function bringUnseen(task: TransferTask, source: number, target: number): Copy {
  const sizeBytes = pourUnseen(source, target);
  return {
    proven: { md5Sum: null, sizeBytes, proof: 'size' },
    check: () => {
      const found = fstatSync(target, { bigint: true }).size;
      return found === sizeBytes
        ? undefined
        : {
            id: task.id,
            status: 'failed',
            code: 'SIZE_DIFFERS',
            message: `The copy has ${found} bytes instead of ${sizeBytes}; it was thrown away.`,
            kind: 'transient',
          };
    },
    digest: () => digestOf(target),
  };
}

function publish(task: TransferTask, temporary: Buffer, copy: Copy): TransferOutcome {
  const final = joinBytes(task.experimentDirectory, task.destinationPath);
  const present = lstatSync(final, { bigint: true, throwIfNoEntry: false });
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
      keptPrevious = isSame ? isKept(task) : keepPrevious(task, final);
    }
  }
  renameSync(temporary, final);
  return { id: task.id, status: 'published', ...copy.proven, keptPrevious };
}

function keptPath(task: TransferTask): Buffer {
  return joinBytes(task.experimentDirectory, task.replaces?.keepAs ?? Buffer.alloc(0));
}

function isKept(task: TransferTask): boolean {
  return lstatSync(keptPath(task), { throwIfNoEntry: false }) !== undefined;
}

/** A hard link first, then the rename over the old name: at no moment is either content without a name. */
function keepPrevious(task: TransferTask, final: Buffer): boolean {
  const kept = keptPath(task);
  makeDirectories(task.experimentDirectory, directoryOf(kept), task.directoryMode);
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
  syncDirectory(directoryOf(kept));
  return true;
}

export function removeQuietly(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch {
    // Not there, or not removable now: the next attempt has the same name and overwrites it.
  }
}

function seconds(ns: bigint): number {
  return Number(ns) / 1e9;
}
