import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { createHash, hash } from 'node:crypto';

/** Files up to this size are held in memory whole: the copy is compared byte by byte instead of digested again. */
const SMALL_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** One pair of buffers per thread, allocated at first use; a thread copies one file at a time. */
let buffers: { content: Buffer; check: Buffer } | undefined;
const zeros = Buffer.alloc(CHUNK_BYTES);

function scratch(): { content: Buffer; check: Buffer } {
  // The copy may turn out longer than the source was; one byte more than fits is enough to see that.
  buffers ??= { content: Buffer.allocUnsafeSlow(SMALL_BYTES), check: Buffer.allocUnsafeSlow(SMALL_BYTES + 1) };
  return buffers;
}

export interface Digest {
  md5Sum: string;
  sizeBytes: bigint;
}

export interface Poured extends Digest {
  /** Reads the copy again; answers the MD5 of what is really there. Valid until the next file is poured. */
  verify(target: number): string;
}

/** Copies `source` to `target` without looking at the bytes (proof `size`); answers how many it brought. */
export function pourUnseen(source: number, target: number): bigint {
  return BigInt(copyChunks(source, target, () => undefined));
}

/**
 * Copies `source` to `target` in one reading pass, with its MD5. Holes of a sparse file stay holes. The caller looks at the
 * source afterwards: what is not of the expected size then was being written to, and its copy is thrown away.
 */
export function pour(source: number, target: number, expectedBytes: bigint): Poured {
  return expectedBytes <= BigInt(SMALL_BYTES)
    ? pourSmall(source, target, Number(expectedBytes))
    : pourLarge(source, target);
}

function pourSmall(source: number, target: number, expectedBytes: number): Poured {
  const { content, check } = scratch();
  const length = readFully(source, content.subarray(0, expectedBytes), 0);
  const bytes = content.subarray(0, length);
  writeFully(target, bytes, 0);
  const md5Sum = hash('md5', bytes, 'hex');
  return {
    md5Sum,
    sizeBytes: BigInt(length),
    verify: (copy) => {
      const found = check.subarray(0, readFully(copy, check, 0));
      return found.equals(bytes) ? md5Sum : digestOf(copy).md5Sum;
    },
  };
}

function pourLarge(source: number, target: number): Poured {
  const md5 = createHash('md5');
  const length = copyChunks(source, target, (bytes) => md5.update(bytes));
  return {
    md5Sum: md5.digest('hex'),
    sizeBytes: BigInt(length),
    verify: (copy) => digestOf(copy).md5Sum,
  };
}

/** Shows every chunk on its way; holes stay holes. */
function copyChunks(source: number, target: number, see: (bytes: Buffer) => void): number {
  const chunk = scratch().content.subarray(0, CHUNK_BYTES);
  const stats = fstatSync(source);
  const isSparse = stats.blocks * 512 < stats.size;
  let position = 0;
  for (let read = readSync(source, chunk, 0, CHUNK_BYTES, position); read > 0;) {
    const bytes = chunk.subarray(0, read);
    see(bytes);
    if (!isSparse || !bytes.equals(zeros.subarray(0, read))) {
      writeFully(target, bytes, position);
    }
    position += read;
    read = readSync(source, chunk, 0, CHUNK_BYTES, position);
  }
  ftruncateSync(target, position);
  return position;
}

/** MD5 and size of what an open file holds now. */
export function digestOf(fd: number): Digest {
  const chunk = scratch().check.subarray(0, CHUNK_BYTES);
  const md5 = createHash('md5');
  let position = 0;
  for (let read = readSync(fd, chunk, 0, CHUNK_BYTES, 0); read > 0;) {
    md5.update(chunk.subarray(0, read));
    position += read;
    read = readSync(fd, chunk, 0, CHUNK_BYTES, position);
  }
  return { md5Sum: md5.digest('hex'), sizeBytes: BigInt(position) };
}

export function digestFile(path: Buffer): Digest {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return digestOf(fd);
  } finally {
    closeSync(fd);
  }
}

/** Fills `into` from `position` on, as far as the file reaches. */
function readFully(fd: number, into: Buffer, position: number): number {
  let length = 0;
  while (length < into.length) {
    const read = readSync(fd, into, length, into.length - length, position + length);
    if (read === 0) {
      break;
    }
    length += read;
  }
  return length;
}

function writeFully(fd: number, bytes: Buffer, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  }
}
