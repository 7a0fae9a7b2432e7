import type { FileSource } from '../file-source.js';

const SIGNATURE = Buffer.from('GCOL', 'latin1');
/** Signature, version, three reserved bytes, size of the collection. */
const HEADER_BYTES = 16;
/** Index, references, four reserved bytes, size: of each object, before its content. */
const OBJECT_BYTES = 16;
/** Writers make collections of 4 KiB, and of one object where it needs more. */
const MOST_BYTES = 16 * 1024 * 1024;

export function beginsGlobalHeap(bytes: Uint8Array): boolean {
  return bytes.length >= SIGNATURE.length && SIGNATURE.equals(bytes.subarray(0, SIGNATURE.length));
}

/**
 * Whether a collection of the global heap, where texts of variable length lie, can be walked through from object to object.
 * The library goes round for ever in one whose next object begins where it is. For lengths of 8 bytes, as nearly all files
 * have them; others are believed.
 */
export function isSoundGlobalHeap(source: FileSource, at: number): boolean {
  const header = source.read(at, HEADER_BYTES);
  const size = header.length < HEADER_BYTES ? Infinity : Number(header.readBigUInt64LE(8));
  if (size > MOST_BYTES || size < HEADER_BYTES) {
    return false;
  }
  const bytes = source.read(at, size);
  let offset = HEADER_BYTES;
  while (offset + OBJECT_BYTES <= bytes.length) {
    const isFree = bytes.readUInt16LE(offset) === 0;
    const content = Number(bytes.readBigUInt64LE(offset + 8));
    // The free space at the end counts its own header, objects do not.
    const step = isFree ? content : OBJECT_BYTES + Math.ceil(content / 8) * 8;
    if (step < OBJECT_BYTES || offset + step > bytes.length) {
      return false;
    }
    offset += step;
  }
  return true;
}
