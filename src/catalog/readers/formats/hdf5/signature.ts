import type { FileSource } from '../file-source.js';

const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
/** User blocks are 0, 512, 1024, … bytes long, each twice the one before. Larger ones than this are not met. */
const LARGEST_USER_BLOCK = 64 * 1024 * 1024;

/** Where the HDF5 superblock begins, which is behind the user block; undefined in a file of another format. */
export function findSignature(source: FileSource): number | undefined {
  for (let at = 0; at <= LARGEST_USER_BLOCK && at < source.size; at = at === 0 ? 512 : at * 2) {
    if (source.read(at, SIGNATURE.length).equals(SIGNATURE)) {
      return at;
    }
  }
  return undefined;
}
