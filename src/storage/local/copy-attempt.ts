import { closeSync, constants, fchmodSync, fstatSync, fsyncSync, futimesSync, openSync, unlinkSync } from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import { directoryOf, joinBytes, splitPath } from '../../kernel/path-bytes.js';
import { CopyRefusal, faultOf } from '../copy-faults.js';
import type { Remains, TransferOutcome, TransferTask } from '../transfer-engine.port.js';
import { permitFile } from './arrival-permissions.js';
import type { BatchDirectories } from './batch-directories.js';
import type { DestinationDirectories } from './destination-directories.js';
import { type Digest, digestOf } from './file-bytes.js';
import { publish } from './publish.js';
import { changeOf, openSource, type OpenSource } from './source-file.js';

/** Never what somebody else has put under the name: a link to a file of others would be written to. */
const WRITE_NEW = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
/** Longest path that a system call takes: a copy beyond it would be there and out of everybody's reach. */
const LONGEST_PATH = 4095;

/** What was read of a source; without a digest if none was asked for. */
export interface Content {
  md5Sum: string | null;
  sizeBytes: bigint;
}

/** Where the content of a task goes, by paths through its directory, which is open. */
interface Place {
  final: Buffer;
  /** Lies beside it and carries the task's id. */
  temporary: Buffer;
}

function finalOf(task: Remains): Buffer {
  return joinBytes(task.experimentDirectory, task.destinationPath);
}

export function temporaryOf(task: Remains): Buffer {
  return joinBytes(directoryOf(finalOf(task)), temporaryName(task));
}

function temporaryName({ id }: Remains): Buffer {
  return Buffer.from(`.dm-${id}.part`);
}

/**
 * One file on its way from its source to its final name. The steps are called in their order, for many files side by side:
 * `open`, then whoever brings the content reads `source` and writes `target`, then `seal`, `checkSource`, `checkCopy`,
 * `publish`. A step that ends the attempt tidies up after it at once.
 */
export class CopyAttempt {
  outcome: TransferOutcome | undefined;
  readonly sizeBytes: number;
  private place: Place | undefined;
  private destinations: DestinationDirectories | undefined;
  private opened: OpenSource | undefined;
  private copy: number | undefined;

  constructor(readonly task: TransferTask) {
    this.sizeBytes = Number(task.expected.sizeBytes);
  }

  get needsDigest(): boolean {
    return this.task.mode === 'compare' || this.task.proof === 'read-back';
  }

  get source(): number {
    return required(this.opened).fd;
  }

  /** Whether the source has holes, which are not to be filled at the destination. */
  get isSparse(): boolean {
    const { stats } = required(this.opened);
    return stats.blocks * 512n < stats.size;
  }

  /** The copy; none if the task only compares. */
  get target(): number | undefined {
    return this.copy;
  }

  open(directories: BatchDirectories): void {
    const source = openSource(this.task, directories.sources);
    if ('status' in source) {
      this.end(source);
      return;
    }
    this.opened = source;
    if (this.task.mode === 'copy') {
      this.destinations = directories.destinations;
      this.place = this.placeIn(directories.destinations);
      this.copy = openNew(this.place.temporary);
    }
  }

  /** Gives the copy the times of its source and the mode that was asked for, and makes it durable. */
  seal(): void {
    if (this.copy !== undefined) {
      const { atimeNs, mtimeNs } = required(this.opened).stats;
      futimesSync(this.copy, seconds(atimeNs), seconds(mtimeNs));
      permitFile(this.copy);
      fchmodSync(this.copy, this.task.fileMode);
      fsyncSync(this.copy);
    }
  }

  /** Whether the source is still what was expected, now that it has been read. */
  checkSource({ md5Sum }: Content): void {
    const change = changeOf(this.source, this.task) ?? this.otherContent(md5Sum);
    if (change !== undefined) {
      this.end(change);
    }
  }

  /** `isEqual` reads the copy again and compares it with what was digested. */
  checkCopy(content: Content, isEqual: (target: number) => boolean): void {
    if (this.copy === undefined) {
      return;
    }
    if (content.md5Sum === null) {
      this.checkSize(this.copy, content.sizeBytes);
    } else if (!isEqual(this.copy)) {
      const { md5Sum } = content;
      const foundMd5Sum = digestOf(this.copy).md5Sum;
      this.end({ id: this.task.id, status: 'corrupt', md5Sum, foundMd5Sum });
    }
  }

  publish(content: Content): void {
    const { md5Sum, sizeBytes } = content;
    const { copy, place, destinations } = this;
    if (copy === undefined || place === undefined || destinations === undefined) {
      this.end({ id: this.task.id, status: 'compared', md5Sum: md5Sum ?? '', sizeBytes });
      return;
    }
    const digest = (): Digest => (md5Sum === null ? digestOf(copy) : { md5Sum, sizeBytes });
    const proof = md5Sum === null ? 'size' : 'read-back';
    this.end(publish(this.task, place, destinations, { md5Sum, sizeBytes, proof, digest }));
  }

  fail(error: unknown): void {
    this.end({ id: this.task.id, status: 'failed', ...faultOf(error) });
  }

  private placeIn(destinations: DestinationDirectories): Place {
    const final = finalOf(this.task);
    if (final.length > LONGEST_PATH) {
      throw new CopyRefusal('ENAMETOOLONG', 'ENAMETOOLONG: its path in storage is too long to be opened');
    }
    const [directory, name] = splitPath(final);
    const prefix = destinations.prepare(this.task, directory);
    return {
      final: Buffer.concat([prefix, name]),
      temporary: Buffer.concat([prefix, temporaryName(this.task)]),
    };
  }

  /** For copies of what was digested before: rotten or replaced content is not passed on. */
  private otherContent(md5Sum: string | null): TransferOutcome | undefined {
    const { id, expectedMd5Sum } = this.task;
    return expectedMd5Sum === undefined || md5Sum === expectedMd5Sum
      ? undefined
      : { id, status: 'changed', detail: `its MD5 is ${md5Sum ?? 'not known'}, not ${expectedMd5Sum}` };
  }

  private checkSize(copy: number, sizeBytes: bigint): void {
    const found = fstatSync(copy, { bigint: true }).size;
    if (found !== sizeBytes) {
      this.end({
        id: this.task.id,
        status: 'failed',
        code: 'SIZE_DIFFERS',
        message: `The copy has ${found} bytes instead of ${sizeBytes}; it was thrown away.`,
        kind: 'transient',
      });
    }
  }

  private end(outcome: TransferOutcome): void {
    this.outcome = outcome;
    const { opened, copy } = this;
    this.opened = undefined;
    this.copy = undefined;
    if (outcome.status !== 'published') {
      // Also what an attempt before this one may have left that was cut off.
      removeQuietly(this.place?.temporary ?? temporaryOf(this.task));
    }
    closeQuietly(opened?.fd);
    closeQuietly(copy);
  }
}

/** Takes each attempt that is still on its way a step further; what goes wrong with one is the end of that one only. */
export function forEachOnItsWay(attempts: readonly CopyAttempt[], step: (attempt: CopyAttempt) => void): void {
  for (const attempt of attempts) {
    if (attempt.outcome === undefined) {
      try {
        step(attempt);
      } catch (error) {
        attempt.fail(error);
      }
    }
  }
}

/** Removes first what an attempt before has left, or somebody has put there. */
function openNew(path: Buffer): number {
  try {
    return openSync(path, WRITE_NEW, 0o600);
  } catch (error) {
    if (driverCode(error) !== 'EEXIST') {
      throw error;
    }
    unlinkSync(path);
    return openSync(path, WRITE_NEW, 0o600);
  }
}

function removeQuietly(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch {
    // Not there, or not removable now: the next attempt has the same name and overwrites it.
  }
}

function closeQuietly(fd: number | undefined): void {
  if (fd === undefined) {
    return;
  }
  try {
    closeSync(fd);
  } catch {
    // What was written is synced before it counts; an error that only closing tells of changes nothing.
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new Error('This attempt is not open.');
  }
  return value;
}

function seconds(ns: bigint): number {
  return Number(ns) / 1e9;
}
