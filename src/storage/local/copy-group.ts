import { type MultiDigest, openDigest, PADDING_BYTES } from '../digest/index.js';
import { type Content, type CopyAttempt, forEachOnItsWay } from './copy-attempt.js';
import type { BatchDirectories } from './batch-directories.js';
import { readFully, writeFully } from './file-bytes.js';

/** Files up to this size are held in memory whole: the copy is compared byte by byte instead of digested again. */
export const SMALL_BYTES = 4 * 1024 * 1024;
/** Files of a group: several times the lanes of the digest, so that these stay filled; few enough to stay in the caches. */
const GROUP_FILES = 32;
/** Contents begin at a cache line: reading into a place that does not takes several times as long. */
const ALIGNMENT = 64;

const GROUP_BYTES = roomOf(SMALL_BYTES);

function roomOf(bytes: number): number {
  return Math.ceil((bytes + PADDING_BYTES) / ALIGNMENT) * ALIGNMENT;
}

/** What a thread copies small files with; made once. */
export class GroupCopier {
  /** A copy may turn out longer than its source was; one byte more than fits is enough to see that. */
  private readonly digest: MultiDigest = openDigest(GROUP_BYTES + SMALL_BYTES + 1);
  private readonly check = this.digest.memory.subarray(GROUP_BYTES, GROUP_BYTES + SMALL_BYTES + 1);

  /** Copies files that fit into the memory, step by step side by side. */
  copy(attempts: readonly CopyAttempt[], directories: BatchDirectories): void {
    const bytes = new Map<CopyAttempt, Buffer>();
    let room = 0;
    forEachOnItsWay(attempts, (attempt) => attempt.open(directories));
    forEachOnItsWay(attempts, (attempt) => {
      const into = this.digest.memory.subarray(room, room + attempt.sizeBytes);
      bytes.set(attempt, into.subarray(0, readFully(attempt.source, into, 0)));
      room += roomOf(attempt.sizeBytes);
    });
    const contents = this.contentsOf(bytes);
    const contentOf = (attempt: CopyAttempt) => contents.get(attempt) ?? { md5Sum: null, sizeBytes: 0n };
    const bytesOf = (attempt: CopyAttempt) => bytes.get(attempt) ?? Buffer.alloc(0);
    forEachOnItsWay(attempts, (attempt) => {
      if (attempt.target !== undefined) {
        writeFully(attempt.target, bytesOf(attempt), 0);
      }
    });
    forEachOnItsWay(attempts, (attempt) => attempt.seal());
    forEachOnItsWay(attempts, (attempt) => attempt.checkSource(contentOf(attempt)));
    forEachOnItsWay(attempts, (attempt) =>
      attempt.checkCopy(contentOf(attempt), (target) => this.holds(target, bytesOf(attempt))),
    );
    forEachOnItsWay(attempts, (attempt) => attempt.publish(contentOf(attempt)));
  }

  private contentsOf(bytes: ReadonlyMap<CopyAttempt, Buffer>): Map<CopyAttempt, Content> {
    const digested = [...bytes].filter(([attempt]) => attempt.needsDigest);
    const start = this.digest.memory.byteOffset;
    const digests = this.digest.digest(
      digested.map(([, { byteOffset, length }]) => ({ offset: byteOffset - start, length })),
    );
    const md5Sums = new Map(digested.map(([attempt], index) => [attempt, digests[index] ?? null]));
    return new Map(
      [...bytes].map(([attempt, { length }]) => [
        attempt,
        { md5Sum: md5Sums.get(attempt) ?? null, sizeBytes: BigInt(length) },
      ]),
    );
  }

  private holds(target: number, bytes: Buffer): boolean {
    const check = this.check.subarray(0, bytes.length + 1);
    return check.subarray(0, readFully(target, check, 0)).equals(bytes);
  }
}

/** Cuts small files into groups that fit. */
export function groupsOf(attempts: readonly CopyAttempt[]): CopyAttempt[][] {
  const groups: CopyAttempt[][] = [];
  let group: CopyAttempt[] = [];
  let room = 0;
  for (const attempt of attempts) {
    const needed = roomOf(attempt.sizeBytes);
    if (group.length === GROUP_FILES || (group.length > 0 && room + needed > GROUP_BYTES)) {
      groups.push(group);
      group = [];
      room = 0;
    }
    group.push(attempt);
    room += needed;
  }
  return group.length === 0 ? groups : [...groups, group];
}
