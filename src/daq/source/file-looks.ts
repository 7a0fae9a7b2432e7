import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import { joinBytes } from '../../kernel/path-bytes.js';
import type { Look, ScannedFile } from './source-tree.port.js';

/** A look that also tells why nothing can be told. */
export type CloseLook = ScannedFile | 'gone' | 'directory' | { code: string };

/**
 * Facts of one path now. Synchronous, as everything here: it runs in a thread that belongs to one source.
 *
 * A symbolic link, FIFO, socket or device is `gone`: data it is not, and it is never opened.
 */
export function lookAt(root: Buffer, relativePath: Uint8Array): CloseLook {
  try {
    const stats = lstatSync(joinBytes(root, relativePath), { bigint: true, throwIfNoEntry: false });
    if (stats?.isDirectory() === true) {
      return 'directory';
    }
    if (stats === undefined || !stats.isFile()) {
      return 'gone';
    }
    return {
      relativePath,
      device: stats.dev,
      inode: stats.ino,
      sizeBytes: stats.size,
      mtimeNs: stats.mtimeNs,
      ctimeNs: stats.ctimeNs,
    };
  } catch (error) {
    const code = driverCode(error) ?? 'UNKNOWN';
    return code === 'ENOTDIR' ? 'gone' : { code };
  }
}

export function plainLook(look: CloseLook): Look {
  return typeof look === 'object' && 'code' in look ? 'unreadable' : look;
}

/** The first bytes of a regular file. Opened without waiting: a FIFO put there meanwhile must not hold the thread. */
export function readStart(root: Buffer, relativePath: Uint8Array, limit: number): Buffer | undefined {
  try {
    const fd = openSync(
      joinBytes(root, relativePath),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    try {
      if (!fstatSync(fd).isFile()) {
        return undefined;
      }
      const bytes = Buffer.alloc(limit);
      return bytes.subarray(0, readSync(fd, bytes, 0, limit, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
