import { pathToText } from '../../kernel/path-text.js';
import type { ScanBatch } from '../source/source-tree.port.js';
import type { IntakeResult } from './file-intake.js';

/** Entries that cannot be taken are counted on, but not all kept: a tree of a million links must not fill the memory. */
const MOST_PROBLEMS = 10_000;
/** A sweep aims to be over a little before its period ends. */
const HASTE = 0.9;

export interface RunningPass {
  batches: AsyncGenerator<ScanBatch>;
  startedAt: number;
  /** Time spent in it, in ms. */
  workMs: number;
}

/** A pass over everything: at once, or spread evenly over `sweepMs`, as far as the number of files is known. */
export class FullPass {
  files = 0;
  unchangedFiles = 0;
  unchangedBytes = 0n;
  readonly problems: { path: string; code: string }[] = [];

  constructor(
    readonly pass: RunningPass,
    private readonly sweepMs: number,
    private readonly filesExpected: number,
  ) {}

  get isSweep(): boolean {
    return this.sweepMs > 0;
  }

  /** When the next batch is to be asked for. */
  dueAt(): number {
    const share = this.isSweep ? Math.min(1, this.files / Math.max(1, this.filesExpected)) : 0;
    return this.pass.startedAt + share * this.sweepMs * HASTE;
  }

  note(batch: ScanBatch, result: IntakeResult): void {
    this.files += batch.files.length;
    this.unchangedFiles += result.unchangedFiles;
    this.unchangedBytes += result.unchangedBytes;
    for (const { relativePath, code } of batch.problems.slice(0, MOST_PROBLEMS - this.problems.length)) {
      this.problems.push({ path: pathToText(Buffer.from(relativePath)), code });
    }
  }
}
