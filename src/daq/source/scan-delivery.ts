import type { ScanBatch, ScannedFile } from './source-tree.port.js';

/** A batch, and what the tree may remember once the caller has taken it. */
export interface Delivery {
  batch: ScanBatch;
  taken(): void;
}

/** Collects what a pass finds into batches of at most about `batchSize` entries. */
export class BatchBuilder {
  private batch = emptyBatch();
  private memories: (() => void)[] = [];

  constructor(private readonly batchSize: number) {}

  get isEmpty(): boolean {
    return this.size === 0 && this.memories.length === 0;
  }

  get isFull(): boolean {
    return this.size >= this.batchSize || this.memories.length >= this.batchSize * 2;
  }

  file(file: ScannedFile, remember: () => void): void {
    this.batch.files.push(file);
    this.memories.push(remember);
  }

  problem(relativePath: Buffer, code: string): void {
    this.batch.problems.push({ relativePath, code });
  }

  directory(relativePath: Buffer, remember: () => void): void {
    this.batch.directories.push(relativePath);
    this.memories.push(remember);
  }

  whenTaken(remember: () => void): void {
    this.memories.push(remember);
  }

  end(): Delivery {
    const { batch, memories } = this;
    this.batch = emptyBatch();
    this.memories = [];
    return { batch, taken: () => memories.forEach((remember) => remember()) };
  }

  private get size(): number {
    return this.batch.files.length + this.batch.problems.length + this.batch.directories.length;
  }
}

function emptyBatch(): ScanBatch {
  return { files: [], problems: [], directories: [] };
}
