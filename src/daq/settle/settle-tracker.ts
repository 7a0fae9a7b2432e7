import type { SeenFile } from '../ledger/ledger-row.js';

export interface Observation {
  ledgerId: string;
  seen: SeenFile;
  /** Monotonic time of the first look at which the file was as it is now, in ms. */
  sinceMs: number;
}

/** How often a file is looked at while it settles: several times per quiet time, so that little is added to it. */
const LOOKS_PER_QUIET_TIME = 4;
const LONGEST_PAUSE_MS = 2000;

/**
 * Files that wait for their quiet time. Pure: the caller says what time it is and what it saw. A file is settled when
 * two looks, at least the quiet time apart, saw the same size, mtime and inode, and none in between saw otherwise.
 */
export class SettleTracker {
  private readonly observations = new Map<string, Observation>();

  constructor(private readonly quietMs: number) {}

  get size(): number {
    return this.observations.size;
  }

  has(sourcePath: Buffer): boolean {
    return this.observations.has(keyOf(sourcePath));
  }

  /** Records a look at a file. The same facts as before leave the clock running; others start it anew. */
  observe(ledgerId: string, seen: SeenFile, nowMs: number): void {
    const key = keyOf(seen.sourcePath);
    const known = this.observations.get(key);
    if (known === undefined || known.ledgerId !== ledgerId || !isSame(known.seen, seen)) {
      this.observations.set(key, { ledgerId, seen, sinceMs: nowMs });
    }
  }

  /** Starts the clock anew, for a file that could not be looked at. */
  restart(observation: Observation, nowMs: number): void {
    this.observations.set(keyOf(observation.seen.sourcePath), { ...observation, sinceMs: nowMs });
  }

  forget(sourcePath: Buffer): void {
    this.observations.delete(keyOf(sourcePath));
  }

  /** Files whose quiet time is over and that want the last look; they stay tracked until it is recorded. */
  due(nowMs: number, limit: number): Observation[] {
    const due: Observation[] = [];
    for (const observation of this.observations.values()) {
      if (nowMs - observation.sinceMs >= this.quietMs) {
        due.push(observation);
        if (due.length >= limit) {
          break;
        }
      }
    }
    return due;
  }

  all(): Observation[] {
    return [...this.observations.values()];
  }

  /** How long to wait before asking {@link due} again, in ms. */
  pauseMs(): number {
    return Math.max(20, Math.min(this.quietMs / LOOKS_PER_QUIET_TIME, LONGEST_PAUSE_MS));
  }
}

export function isSame(a: SeenFile, b: SeenFile): boolean {
  return a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.inode === b.inode;
}

/** Paths are bytes; latin1 keeps each byte as one character, so different bytes never share a key. */
function keyOf(path: Buffer): string {
  return path.toString('latin1');
}
