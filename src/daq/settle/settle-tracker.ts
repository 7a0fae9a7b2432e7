import type { ScannedFile } from '../source/source-tree.port.js';

/** The facts that must stand still. */
export type FileFacts = Pick<ScannedFile, 'sizeBytes' | 'mtimeNs' | 'inode'>;

export interface Observation {
  ledgerId: string;
  /** Relative to the source directory. */
  relativePath: Buffer;
  /** The quiet time is over: only the acquisition's rule holds it back, for this reason. */
  waitsFor: string | null;
}

interface Entry {
  ledgerId: string;
  facts: string;
  /** Monotonic, in ms. */
  dueAt: number;
  waitsFor: string | null;
}

/** Pause between two looks at a file that waits for more than quiet. */
const WAIT_MS = 1000;
/**
 * Files that are tracked at a time, at about 300 bytes each. Those beyond stay `settling` in the ledger and are taken
 * from there when there is room.
 */
const MOST_TRACKED = 100_000;

/**
 * Files that wait for their quiet time. Pure: the caller says what time it is and what it saw. A file is settled when
 * two looks, at least the quiet time apart, saw the same size, mtime and inode, and none in between saw otherwise.
 *
 * Within each list all wait equally long, so the one that was put in first is due first.
 */
export class SettleTracker {
  private readonly quiet = new Map<string, Entry>();
  private readonly empty = new Map<string, Entry>();
  private readonly waiting = new Map<string, Entry>();
  private hasOverflown = false;

  constructor(
    private readonly quietMs: number,
    private readonly emptyQuietMs: number,
    private readonly mostTracked = MOST_TRACKED,
  ) {}

  get size(): number {
    return this.quiet.size + this.empty.size + this.waiting.size;
  }

  /** Whether the ledger holds settling files that are not tracked, and there is room for them again. */
  get wantsMore(): boolean {
    return this.hasOverflown && this.size * 2 <= this.mostTracked;
  }

  /** All that the ledger holds are tracked now. */
  hasAll(): void {
    this.hasOverflown = false;
  }

  has(relativePath: Uint8Array): boolean {
    return this.find(keyOf(relativePath)) !== undefined;
  }

  ledgerIdOf(relativePath: Uint8Array): string | undefined {
    return this.find(keyOf(relativePath))?.ledgerId;
  }

  /**
   * Records a look at a file. The same facts as before leave the clock running; others start it anew. Answers whether
   * the file is tracked: it is not when there is no room.
   */
  observe(ledgerId: string, relativePath: Uint8Array, file: FileFacts, nowMs: number): boolean {
    const key = keyOf(relativePath);
    const facts = factsOf(file);
    const known = this.find(key);
    if (known !== undefined && known.ledgerId === ledgerId && known.facts === facts) {
      return true;
    }
    if (known === undefined && this.size >= this.mostTracked) {
      this.hasOverflown = true;
      return false;
    }
    this.remove(key);
    const [list, quietMs] =
      file.sizeBytes === 0n ? [this.empty, this.emptyQuietMs] : ([this.quiet, this.quietMs] as const);
    list.set(key, { ledgerId, facts, dueAt: nowMs + quietMs, waitsFor: null });
    return true;
  }

  isAsObserved(observation: Observation, file: FileFacts): boolean {
    return this.find(keyOf(observation.relativePath))?.facts === factsOf(file);
  }

  /** Starts the clock anew, for a file that could not be looked at. */
  restart({ relativePath }: Observation, nowMs: number): void {
    const key = keyOf(relativePath);
    const entry = this.find(key);
    if (entry !== undefined) {
      this.remove(key);
      this.quiet.set(key, { ...entry, dueAt: nowMs + this.quietMs, waitsFor: null });
    }
  }

  /** The file stood still, but the acquisition's rule wants more. */
  wait({ relativePath }: Observation, waitsFor: string, nowMs: number): void {
    const key = keyOf(relativePath);
    const entry = this.find(key);
    if (entry !== undefined) {
      this.remove(key);
      this.waiting.set(key, { ...entry, dueAt: nowMs + WAIT_MS, waitsFor });
    }
  }

  /** Looks at once at those that wait for more than quiet: what they wait for may just have come. */
  hurryWaiting(nowMs: number): void {
    for (const entry of this.waiting.values()) {
      entry.dueAt = Math.min(entry.dueAt, nowMs);
    }
  }

  forget(relativePath: Uint8Array): void {
    this.remove(keyOf(relativePath));
  }

  forgetAll(): void {
    [this.quiet, this.empty, this.waiting].forEach((list) => list.clear());
    this.hasOverflown = false;
  }

  /** Files whose time is over and that want the last look; they stay tracked until it is recorded. */
  due(nowMs: number, limit: number): Observation[] {
    const due: Observation[] = [];
    for (const list of [this.quiet, this.empty, this.waiting]) {
      for (const [key, entry] of list) {
        if (entry.dueAt > nowMs || due.length >= limit) {
          break;
        }
        const { ledgerId, waitsFor } = entry;
        due.push({ ledgerId, relativePath: Buffer.from(key, 'latin1'), waitsFor });
      }
    }
    return due;
  }

  /** When the next file is due, on the caller's clock; infinity when none waits. */
  nextDueAt(): number {
    return Math.min(
      ...[this.quiet, this.empty, this.waiting].map(
        (list) => list.values().next().value?.dueAt ?? Number.POSITIVE_INFINITY,
      ),
    );
  }

  private find(key: string): Entry | undefined {
    return this.quiet.get(key) ?? this.empty.get(key) ?? this.waiting.get(key);
  }

  private remove(key: string): void {
    [this.quiet, this.empty, this.waiting].forEach((list) => list.delete(key));
  }
}

function factsOf({ sizeBytes, mtimeNs, inode }: FileFacts): string {
  return `${sizeBytes}:${mtimeNs}:${inode}`;
}

/** Paths are bytes; latin1 keeps each byte as one character, so different bytes never share a key. */
function keyOf(path: Uint8Array): string {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1');
}
