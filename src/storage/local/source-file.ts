import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import type { FileIdentity, TransferOutcome, TransferTask } from '../transfer-engine.port.js';
import type { SourceDirectories } from './source-directories.js';

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface OpenSource {
  fd: number;
  stats: BigIntStats;
}

/** Opens what was expected, or says what became of it. */
export function openSource(task: TransferTask, directories: SourceDirectories): OpenSource | TransferOutcome {
  let fd: number;
  try {
    fd = openSync(directories.pathTo(task), READ);
  } catch (error) {
    if (driverCode(error) === 'ENOENT') {
      return { id: task.id, status: 'vanished' };
    }
    throw error;
  }
  const stats = statsOf(fd);
  const change = stats.isFile() ? differenceOf(stats, task.expected) : 'it is no longer a regular file';
  if (change === undefined) {
    return { fd, stats };
  }
  closeSync(fd);
  return { id: task.id, status: 'changed', detail: change };
}

function statsOf(fd: number): BigIntStats {
  try {
    return fstatSync(fd, { bigint: true });
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
