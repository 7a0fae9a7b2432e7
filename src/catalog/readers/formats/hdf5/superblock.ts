import type { FileSource } from '../file-source.js';
import { DamagedFile } from '../reading-draft.js';
import { findSignature } from './signature.js';

export interface Superblock {
  version: number;
  /** Bytes before the signature, which belong to another format or to nobody. */
  userBlockBytes: number;
  /** Where the file ends as it says itself; undefined where the superblock does not tell it in a readable way. */
  endOfFile: number | undefined;
  /** A writer has the file open, or died with it open (version 3 only). */
  isOpenForWriting: boolean;
  /** That writer lets others read meanwhile (SWMR). */
  isOpenForSwmr: boolean;
}

const OPEN_FOR_WRITING = 0b001;
const OPEN_FOR_SWMR = 0b100;

/**
 * The superblock, read by hand: it says why the library refuses a file, and in which way an unfinished one may be opened.
 *
 * @throws DamagedFile when it is not complete or of an unknown version.
 */
export function readSuperblock(source: FileSource): Superblock {
  const at = findSignature(source);
  if (at === undefined) {
    throw new DamagedFile('It has no HDF5 signature.');
  }
  const bytes = source.read(at, 128);
  if (bytes.length < 48) {
    throw new DamagedFile('The file ends within its superblock.');
  }
  const version = bytes.readUInt8(8);
  if (version > 3) {
    throw new DamagedFile(`Its superblock has the unknown version ${version}.`);
  }
  const isOld = version < 2;
  const offsetSize = bytes.readUInt8(isOld ? 13 : 9);
  const flags = version === 3 ? bytes.readUInt8(11) : 0;
  // Old: … flags (4), base, free space, end. New: … flags (1), base, extension, end.
  const endAt = isOld ? (version === 0 ? 24 : 28) + 2 * offsetSize : 12 + 2 * offsetSize;
  const isReadable = (offsetSize === 4 || offsetSize === 8) && endAt + offsetSize <= bytes.length;
  return {
    version,
    userBlockBytes: at,
    endOfFile: isReadable ? readOffset(bytes, endAt, offsetSize) : undefined,
    isOpenForWriting: (flags & OPEN_FOR_WRITING) !== 0,
    isOpenForSwmr: (flags & OPEN_FOR_SWMR) !== 0,
  };
}

function readOffset(bytes: Buffer, at: number, size: number): number {
  return size === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUInt32LE(at);
}
