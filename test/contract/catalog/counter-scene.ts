import type { mongo } from 'mongoose';
import { type CounterDocument, CounterStore, type SizeDelta } from '../../../src/catalog/mongo/counter-store.js';

interface Writer {
  announcement: string;
  sinceMs: number;
  process: number;
  delta: SizeDelta;
}

const MINUTE_MS = 60_000;

/**
 * Writers of two processes that take their steps one after the other, in any order, on counters in a real server. What
 * they write is a list here. The clock stands still but for pauses and `wait`.
 */
export class CounterScene {
  private readonly sizes: bigint[] = [];
  private readonly writers: Writer[] = [];
  private readonly stores: CounterStore[];
  private nowMs = Date.UTC(2026, 10, 20);

  constructor(
    private readonly collection: mongo.Collection<CounterDocument>,
    private readonly experimentId: number,
  ) {
    this.stores = [this.open(), this.open()];
  }

  async play(what: string, process: number, sizeBytes: bigint): Promise<void> {
    const index = this.writers.findIndex((writer) => writer.process === process);
    const writer = this.writers[index];
    switch (what) {
      case 'announce':
        this.writers.push({
          process,
          announcement: await this.store(process).announce(this.experimentId),
          sinceMs: this.nowMs,
          delta: { count: 0n, total: 0n, sumOfSquares: 0n },
        });
        return;
      case 'write':
        // No batch takes a minute: a writer that old has nothing left to write, though it may still settle.
        if (writer !== undefined && this.nowMs - writer.sinceMs < MINUTE_MS) {
          this.write(writer, sizeBytes);
        }
        return;
      case 'settle':
        if (writer !== undefined) {
          this.writers.splice(index, 1);
          await this.store(process).settle(this.experimentId, writer.announcement, writer.delta);
        }
        return;
      case 'die':
        this.writers.splice(index, writer === undefined ? 0 : 1);
        return;
      case 'restart':
        this.stores[process] = this.open();
        this.writers.splice(0, Infinity, ...this.writers.filter((other) => other.process !== process));
        return;
      case 'wait':
        this.nowMs += 2 * MINUTE_MS;
        return;
      default:
        await this.read(process);
    }
  }

  /** Lets everybody settle who still lives, and compares long after. */
  async end(): Promise<{ counted: SizeDelta; written: SizeDelta }> {
    for (const { process } of [...this.writers]) {
      await this.play('settle', process, 0n);
    }
    this.nowMs += 2 * MINUTE_MS;
    const { count, total, sumOfSquares } = await this.read(0);
    return { counted: { count, total, sumOfSquares }, written: this.scan() };
  }

  private write({ delta }: Writer, size: bigint): void {
    const isRemoval = size % 3n === 0n && this.sizes.length > 0;
    const changed = isRemoval ? (this.sizes.pop() ?? 0n) : size;
    if (!isRemoval) {
      this.sizes.push(size);
    }
    const sign = isRemoval ? -1n : 1n;
    delta.count += sign;
    delta.total += sign * changed;
    delta.sumOfSquares += sign * changed * changed;
  }

  private read(process: number): Promise<SizeDelta> {
    return this.store(process).read(this.experimentId, () => Promise.resolve(this.scan()));
  }

  private scan(): SizeDelta {
    return {
      count: BigInt(this.sizes.length),
      total: this.sizes.reduce((sum, size) => sum + size, 0n),
      sumOfSquares: this.sizes.reduce((sum, size) => sum + size * size, 0n),
    };
  }

  private store(process: number): CounterStore {
    return this.stores[process] ?? this.open();
  }

  private open(): CounterStore {
    return new CounterStore(this.collection, {
      now: () => this.nowMs,
      pause: (ms) => {
        this.nowMs += ms;
        return Promise.resolve();
      },
    });
  }
}
