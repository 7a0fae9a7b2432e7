import { ftruncateSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { DigestThread, ROUNDS_AHEAD, type RoundPart } from '../digest/index.js';
import { type Content, type CopyAttempt, forEachOnItsWay } from './copy-attempt.js';
import type { BatchDirectories } from './batch-directories.js';
import { readFully, writeFully } from './file-bytes.js';

/** Large files that are copied side by side: four fill the lanes well, and disks that have to seek suffer from more. */
const STREAMS = 4;
/** What is read of one file at a time: with fewer files more of each. */
const LARGEST_CHUNK_BYTES = 1024 * 1024;
const ROUND_BYTES = 2 * LARGEST_CHUNK_BYTES;
const MEMORY_BYTES = ROUNDS_AHEAD * ROUND_BYTES;
const ALIGNMENT = 4096;

const zeros = Buffer.alloc(LARGEST_CHUNK_BYTES);
let hole = { length: 0, checksum: 0 };

/** One large file on its way. */
class Stream {
  position = 0;
  isOver = false;
  /** What was read, chunk by chunk, by a checksum that is fast enough to be computed again from the copy. */
  readonly checksums: number[] = [];

  constructor(
    readonly attempt: CopyAttempt,
    readonly slot: number,
    private readonly chunkBytes: number,
  ) {}

  /** Reads the next chunk; no further than the file was expected to reach, or one that grows would never end. */
  read(memory: Buffer): Buffer {
    const { source, sizeBytes } = this.attempt;
    const wanted = Math.min(this.chunkBytes, sizeBytes - this.position);
    const bytes = memory.subarray(0, readFully(source, memory.subarray(0, wanted), this.position));
    this.isOver = bytes.length < this.chunkBytes || this.position + bytes.length === sizeBytes;
    return bytes;
  }

  /** Writes what was read, unless it is a hole. */
  write(bytes: Buffer): void {
    const { target, isSparse } = this.attempt;
    const isHole = isSparse && isZero(bytes);
    this.checksums.push(checksumOf(bytes, isHole));
    if (target !== undefined && !isHole) {
      writeFully(target, bytes, this.position);
    }
    this.position += bytes.length;
    if (target !== undefined && this.isOver && isHole) {
      ftruncateSync(target, this.position);
    }
  }

  /** Reads the copy again: every chunk has the checksum of what was digested, and nothing follows. */
  holds(target: number, memory: Buffer): boolean {
    const isSparse = this.attempt.isSparse;
    for (let position = 0, chunk = 0; ; position += this.chunkBytes, chunk += 1) {
      const bytes = memory.subarray(0, readFully(target, memory.subarray(0, this.chunkBytes), position));
      if (position + bytes.length > this.position) {
        return false;
      }
      if (bytes.length > 0 && checksumOf(bytes, isSparse && isZero(bytes)) !== this.checksums[chunk]) {
        return false;
      }
      if (bytes.length < this.chunkBytes) {
        return position + bytes.length === this.position;
      }
    }
  }
}

/** What a thread copies large files with: it reads and writes, and a second thread digests meanwhile. */
export class StreamCopier {
  private thread: DigestThread | undefined;

  /** Copies files of a group side by side. */
  copy(attempts: readonly CopyAttempt[], directories: BatchDirectories): void {
    forEachOnItsWay(attempts, (attempt) => attempt.open(directories));
    const chunkBytes = chunkBytesFor(attempts.length);
    const streams = new Map(attempts.map((attempt, slot) => [attempt, new Stream(attempt, slot, chunkBytes)]));
    this.thread ??= new DigestThread(MEMORY_BYTES);
    const contents = pour(streams, this.thread);
    const contentOf = (attempt: CopyAttempt) => contents.get(attempt) ?? { md5Sum: null, sizeBytes: 0n };
    const check = this.thread.memory;
    forEachOnItsWay(attempts, (attempt) => attempt.seal());
    forEachOnItsWay(attempts, (attempt) => attempt.checkSource(contentOf(attempt)));
    forEachOnItsWay(attempts, (attempt) =>
      attempt.checkCopy(contentOf(attempt), (target) => streams.get(attempt)?.holds(target, check) ?? false),
    );
    forEachOnItsWay(attempts, (attempt) => attempt.publish(contentOf(attempt)));
  }

  close(): void {
    this.thread?.close();
    this.thread = undefined;
  }
}

/** Reads, writes and digests until every file is at its end. */
function pour(streams: ReadonlyMap<CopyAttempt, Stream>, thread: DigestThread): Map<CopyAttempt, Content> {
  const slotBytes = slotBytesFor(streams.size);
  const streamOf = (attempt: CopyAttempt) => streams.get(attempt) as Stream;
  let going = [...streams.keys()];
  for (let round = 0; going.length > 0; round += 1) {
    const chunks = new Map<CopyAttempt, Buffer>();
    const parts: RoundPart[] = [];
    thread.waitForRoom();
    forEachOnItsWay(going, (attempt) => {
      const stream = streamOf(attempt);
      const offset = (round % ROUNDS_AHEAD) * ROUND_BYTES + stream.slot * slotBytes;
      const bytes = stream.read(thread.memory.subarray(offset, offset + slotBytes));
      chunks.set(attempt, bytes);
      if (attempt.needsDigest) {
        const { slot, position, isOver } = stream;
        parts.push({ slot, offset, length: bytes.length, isFirst: position === 0, isLast: isOver });
      }
    });
    thread.submit(parts);
    forEachOnItsWay(going, (attempt) => streamOf(attempt).write(chunks.get(attempt) ?? zeros.subarray(0, 0)));
    going = going.filter((attempt) => attempt.outcome === undefined && !streamOf(attempt).isOver);
  }
  thread.waitForAll();
  return new Map(
    [...streams].map(([attempt, { slot, position }]) => [
      attempt,
      { md5Sum: attempt.needsDigest ? thread.digestOf(slot) : null, sizeBytes: BigInt(position) },
    ]),
  );
}

function slotBytesFor(streams: number): number {
  return Math.floor(ROUND_BYTES / streams / ALIGNMENT) * ALIGNMENT;
}

/** The padding of the last part needs some room behind it. */
function chunkBytesFor(streams: number): number {
  return Math.min(LARGEST_CHUNK_BYTES, slotBytesFor(streams) - ALIGNMENT);
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(zeros.subarray(0, bytes.length));
}

/** Holes are many and alike: the checksum of the last length of zeros is kept. */
function checksumOf(bytes: Buffer, isHole: boolean): number {
  if (!isHole) {
    return crc32(bytes);
  }
  if (hole.length !== bytes.length) {
    hole = { length: bytes.length, checksum: crc32(bytes) };
  }
  return hole.checksum;
}

/** Cuts large files into groups that are of similar size, so that they end together. */
export function streamGroupsOf(attempts: readonly CopyAttempt[]): CopyAttempt[][] {
  const bySize = [...attempts].sort((one, other) => other.sizeBytes - one.sizeBytes);
  return Array.from({ length: Math.ceil(bySize.length / STREAMS) }, (_, index) =>
    bySize.slice(index * STREAMS, (index + 1) * STREAMS),
  );
}
