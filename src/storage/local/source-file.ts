import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync } from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import { isBelowOrSame } from '../../kernel/path-bytes.js';
import { CopyRefusal } from '../copy-faults.js';
import type { FileIdentity, TransferOutcome, TransferTask } from '../transfer-engine.port.js';

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface OpenSource {
  fd: number;
  stats: BigIntStats;
}

/** Opens what was expected, or says what became of it. */
export function openSource(task: TransferTask): OpenSource | TransferOutcome {
  let fd: number;
  try {
    fd = openSync(bytesOf(task.sourcePath), READ);
  } catch (error) {
    if (driverCode(error) === 'ENOENT') {
      return { id: task.id, status: 'vanished' };
    }
    throw error;
  }
  try {
    const stats = fstatSync(fd, { bigint: true });
    const change = stats.isFile() ? differenceOf(stats, task.expected) : 'it is no longer a regular file';
    if (change === undefined) {
      requireBelowRoots(fd, task.sourceRoots);
      return { fd, stats };
    }
    closeSync(fd);
    return { id: task.id, status: 'changed', detail: change };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** What is different about the source now that it has been read. */
export function changeOf(fd: number, task: TransferTask): TransferOutcome | undefined {
  const detail = differenceOf(fstatSync(fd, { bigint: true }), task.expected) ?? replacementOf(task);
  return detail === undefined ? undefined : { id: task.id, status: 'changed', detail };
}

/** The kernel's own word on where an open file lies, so that a directory swapped for a link is found out. */
function requireBelowRoots(fd: number, roots: readonly Uint8Array[]): void {
  const real = readlinkSync(`/proc/self/fd/${fd}`, 'buffer');
  if (!roots.some((root) => isBelowOrSame(real, root))) {
    throw new CopyRefusal('EPERM', 'The source leads out of the configured source roots through a symbolic link.');
  }
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

/** The open file stays what it was when its name is given to another; the name is what users mean. */
function replacementOf(task: TransferTask): string | undefined {
  const now = lstatSync(bytesOf(task.sourcePath), { bigint: true, throwIfNoEntry: false });
  return now === undefined || now.ino === task.expected.inode ? undefined : 'another file has taken its name';
}

/** The same memory as a Buffer: what came from another thread is a plain array, which the calls would refuse. */
function bytesOf(path: Uint8Array): Buffer {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}
