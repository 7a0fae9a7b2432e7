import { Worker } from 'node:worker_threads';
import { workerUrl } from '../../platform/worker-url.js';
import { DigestRounds, type RoundPart } from './digest-rounds.js';
import type { DigestMemory } from './multi-digest.port.js';
import { openDigest } from './open-digest.js';

export interface DigestThreadData {
  memory: DigestMemory;
  control: SharedArrayBuffer;
}

/** A thread that digests what another one, which reads and writes, has put into their common memory. */
export class DigestThread {
  readonly memory: Buffer;
  private readonly rounds: DigestRounds;
  private readonly worker: Worker;

  constructor(memoryBytes: number) {
    const { memory, shared } = openDigest(memoryBytes);
    const control = new SharedArrayBuffer(DigestRounds.CONTROL_BYTES);
    this.memory = memory;
    this.rounds = new DigestRounds(control);
    const data: DigestThreadData = { memory: shared, control };
    this.worker = new Worker(workerUrl(import.meta.url, './digest-worker.js'), {
      name: 'dm-digest',
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    });
    this.worker.unref();
  }

  /** Goes on at once, unless too many rounds wait. */
  submit(parts: readonly RoundPart[]): void {
    this.rounds.submit(parts);
  }

  /** Waits until the memory of the oldest round that may still wait is free. */
  waitForRoom(): void {
    this.rounds.waitForRoom();
  }

  /** Waits for everything; then the digest of every stream whose last part was submitted is there. */
  waitForAll(): void {
    this.rounds.waitForAll();
  }

  digestOf(slot: number): string {
    return this.rounds.digestOf(slot);
  }

  close(): void {
    void this.worker.terminate();
  }
}
