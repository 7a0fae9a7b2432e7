import type { FileSource } from './file-source.js';

const CHUNK_BYTES = 1_048_576;
/** A longer line is handed out in its first part only. */
const MOST_LINE_BYTES = 1_048_576;
const LINE_FEED = 0x0a;

/** The lines of a text file without their ends, as bytes, a chunk in memory at a time. */
export function* linesOf(source: FileSource, mostBytes: number): Generator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  const end = Math.min(source.size, mostBytes);
  for (let at = 0; at < end; at += CHUNK_BYTES) {
    const chunk = source.read(at, Math.min(CHUNK_BYTES, end - at));
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let to = bytes.indexOf(LINE_FEED); to !== -1; to = bytes.indexOf(LINE_FEED, from)) {
      yield bytes.subarray(from, to);
      from = to + 1;
    }
    rest = bytes.subarray(from, from + MOST_LINE_BYTES);
  }
  if (rest.length > 0) {
    yield rest;
  }
}
