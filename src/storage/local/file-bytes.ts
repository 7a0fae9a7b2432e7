import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';

export interface Digest {
  md5Sum: string;
  sizeBytes: bigint;
}

const CHUNK_BYTES = 1024 * 1024;

/** Fills `into` from `position` of the file on, as far as it reaches; answers the bytes that were there. */
export function readFully(fd: number, into: Uint8Array, position: number): number {
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

export function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  }
}

/** MD5 and size of what an open file holds now; for the rare cases, one at a time. */
export function digestOf(fd: number): Digest {
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const md5 = createHash('md5');
  let position = 0;
  for (let read = readFully(fd, chunk, 0); read > 0; read = readFully(fd, chunk, position)) {
    md5.update(chunk.subarray(0, read));
    position += read;
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
