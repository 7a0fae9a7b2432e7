import { closeSync, constants, type Dir, type Dirent, openSync, opendirSync } from 'node:fs';
import { driverCode } from '../../../kernel/errors.js';
import { isBelowOrSame, joinBytes } from '../../../kernel/path-bytes.js';
import { type Look, lookAtPath } from './look.js';

export interface WalkedFile {
  /** Relative to the root of the walk. */
  path: Uint8Array;
  look: Look;
}

/**
 * Everything below `root` that is not a directory, in batches; a directory that cannot be read is one entry of it. One
 * directory is open at a time and read piece by piece, so that one with a million files takes no more memory.
 *
 * @throws when the root itself cannot be read: an empty answer would mean that nothing is there.
 */
export function* walkTree(
  root: Buffer,
  excluded: readonly Uint8Array[],
  batchSize: number,
): Generator<WalkedFile[], undefined> {
  closeSync(openSync(root, constants.O_RDONLY | constants.O_DIRECTORY));
  const pending: Buffer[] = [Buffer.alloc(0)];
  let batch: WalkedFile[] = [];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const found of entriesOf(root, directory)) {
      if ('code' in found) {
        batch.push({ path: directory, look: { kind: 'unreadable', code: found.code } });
        continue;
      }
      const path = joinBytes(directory, found.name);
      if (found.isDirectory()) {
        if (!excluded.some((one) => isBelowOrSame(path, one))) {
          pending.push(path);
        }
        continue;
      }
      const look = lookAtPath(joinBytes(root, path));
      if (look.kind !== 'gone') {
        batch.push({ path, look });
      }
      if (batch.length >= batchSize) {
        yield batch;
        batch = [];
      }
    }
  }
  if (batch.length > 0) {
    yield batch;
  }
}

function* entriesOf(root: Buffer, directory: Buffer): Generator<Dirent<Buffer> | { code: string }> {
  let open: Dir | undefined;
  try {
    // The types know text only; with this encoding names are the bytes on disk.
    open = opendirSync(joinBytes(root, directory), { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
    for (let entry = open.readSync(); entry !== null; entry = open.readSync()) {
      yield entry as unknown as Dirent<Buffer>;
    }
  } catch (error) {
    const code = driverCode(error) ?? 'UNKNOWN';
    if (code !== 'ENOENT') {
      yield { code };
    }
  } finally {
    open?.closeSync();
  }
}
