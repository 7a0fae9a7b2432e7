import type { Extent } from './multi-digest.port.js';

/** Streams of one digesting thread. */
const STREAM_SLOTS = 8;
/** Rounds that may wait: enough that the digesting thread never does. */
export const ROUNDS_AHEAD = 4;

/** What is to be digested next of one stream. */
export interface RoundPart extends Extent {
  slot: number;
  isFirst: boolean;
  /** The part ends its content; all others have a length of whole blocks. */
  isLast: boolean;
}

const SUBMITTED = 0;
const DONE = 1;
const FIRST_ROUND = 2;
const PART_WORDS = 4;
const ROUND_WORDS = 1 + STREAM_SLOTS * PART_WORDS;
const DIGESTS_AT = 4 * (FIRST_ROUND + ROUNDS_AHEAD * ROUND_WORDS);
const HEX_DIGITS = 32;
const IS_FIRST = 1;
const IS_LAST = 2;
/** A round takes milliseconds; a thread that is silent for so long is dead. */
const SILENCE_MS = 60_000;

/**
 * A queue of rounds between two threads, in shared memory: they wait for each other without an event loop, which the copying
 * thread, all synchronous calls, never gets back to.
 */
export class DigestRounds {
  static readonly CONTROL_BYTES = DIGESTS_AT + STREAM_SLOTS * HEX_DIGITS;

  private readonly words: Int32Array;
  private readonly digests: Buffer;

  constructor(control: SharedArrayBuffer) {
    this.words = new Int32Array(control, 0, DIGESTS_AT / 4);
    this.digests = Buffer.from(control, DIGESTS_AT);
  }

  /** Hands a round over; waits while as many as may wait do. */
  submit(parts: readonly RoundPart[]): void {
    const submitted = Atomics.load(this.words, SUBMITTED);
    this.waitUntilDone(submitted - ROUNDS_AHEAD + 1);
    const at = roundAt(submitted);
    this.words[at] = parts.length;
    parts.forEach(({ slot, offset, length, isFirst, isLast }, index) => {
      const flags = (isFirst ? IS_FIRST : 0) | (isLast ? IS_LAST : 0);
      this.words.set([slot, offset, length, flags], at + 1 + PART_WORDS * index);
    });
    Atomics.store(this.words, SUBMITTED, submitted + 1);
    Atomics.notify(this.words, SUBMITTED);
  }

  /** Waits until the memory of the round `ROUNDS_AHEAD` before the next one may be filled again. */
  waitForRoom(): void {
    this.waitUntilDone(Atomics.load(this.words, SUBMITTED) - ROUNDS_AHEAD + 1);
  }

  waitForAll(): void {
    this.waitUntilDone(Atomics.load(this.words, SUBMITTED));
  }

  digestOf(slot: number): string {
    return this.digests.toString('latin1', slot * HEX_DIGITS, (slot + 1) * HEX_DIGITS);
  }

  /** For the digesting thread: waits for the next round. */
  next(): RoundPart[] {
    const taken = Atomics.load(this.words, DONE);
    while (Atomics.load(this.words, SUBMITTED) === taken) {
      Atomics.wait(this.words, SUBMITTED, taken);
    }
    const at = roundAt(taken);
    return Array.from({ length: this.words[at] ?? 0 }, (_, index) => {
      const from = at + 1 + PART_WORDS * index;
      const [slot = 0, offset = 0, length = 0, flags = 0] = this.words.subarray(from, from + PART_WORDS);
      return { slot, offset, length, isFirst: (flags & IS_FIRST) !== 0, isLast: (flags & IS_LAST) !== 0 };
    });
  }

  writeDigest(slot: number, hex: string): void {
    this.digests.write(hex, slot * HEX_DIGITS, 'latin1');
  }

  done(): void {
    Atomics.add(this.words, DONE, 1);
    Atomics.notify(this.words, DONE);
  }

  private waitUntilDone(rounds: number): void {
    for (let done = Atomics.load(this.words, DONE); done < rounds; done = Atomics.load(this.words, DONE)) {
      if (Atomics.wait(this.words, DONE, done, SILENCE_MS) === 'timed-out') {
        throw new Error('The digesting thread does not answer.');
      }
    }
  }
}

function roundAt(round: number): number {
  return FIRST_ROUND + (round % ROUNDS_AHEAD) * ROUND_WORDS;
}
