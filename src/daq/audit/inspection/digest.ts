import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { driverCode } from '../../../kernel/errors.js';

const CHUNK_BYTES = 1024 * 1024;

export type DigestAnswer =
  | { kind: 'read'; md5Sum: string; sha256Sum: string | null; sizeBytes: bigint }
  | { kind: 'gone' }
  | { kind: 'unreadable'; code: string }
  | { kind: 'cancelled' };

/**
 * Digests of what a file holds, read with synchronous calls (made for a thread of its own). `pace` is called with the
 * number of bytes after each piece and may sleep; it answers false to break off.
 */
export function digestOfFile(path: Uint8Array, wantsSha256: boolean, pace: (bytes: number) => boolean): DigestAnswer {
  let fd: number;
  try {
    fd = openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = driverCode(error) ?? 'UNKNOWN';
    return code === 'ENOENT' ? { kind: 'gone' } : { kind: 'unreadable', code };
  }
  try {
    if (!fstatSync(fd).isFile()) {
      return { kind: 'unreadable', code: 'NOT_A_REGULAR_FILE' };
    }
    const md5 = createHash('md5');
    const sha256 = wantsSha256 ? createHash('sha256') : undefined;
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let sizeBytes = 0n;
    for (let read = readSync(fd, chunk, 0, CHUNK_BYTES, null); read > 0;) {
      const bytes = chunk.subarray(0, read);
      md5.update(bytes);
      sha256?.update(bytes);
      sizeBytes += BigInt(read);
      if (!pace(read)) {
        return { kind: 'cancelled' };
      }
      read = readSync(fd, chunk, 0, CHUNK_BYTES, null);
    }
    return { kind: 'read', md5Sum: md5.digest('hex'), sha256Sum: sha256?.digest('hex') ?? null, sizeBytes };
  } catch (error) {
    return { kind: 'unreadable', code: driverCode(error) ?? 'UNKNOWN' };
  } finally {
    closeSync(fd);
  }
}
