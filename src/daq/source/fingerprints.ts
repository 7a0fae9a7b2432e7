import type { ScannedFile } from './source-tree.port.js';

const FIRST_CAPACITY = 4096;
/** Beyond this many, everything is forgotten: files are answered once more, which the ledger takes calmly. */
const MOST = 4_000_000;

/** 64 bits in two halves; `low` is never 0, which marks a free place. */
export interface Fingerprint {
  high: number;
  low: number;
}

/**
 * Which files, as they were, have been taken: 64 bits of hash each and nothing else, at most 64 MB. That two files share
 * one is as good as impossible (one in 10^12 for a million files), and the sweep, which does not ask here, would find
 * the second all the same.
 */
export class Fingerprints {
  private highs = new Uint32Array(FIRST_CAPACITY);
  private lows = new Uint32Array(FIRST_CAPACITY);
  private count = 0;

  has(print: Fingerprint): boolean {
    return this.lows[this.placeOf(print)] !== 0;
  }

  add(print: Fingerprint): void {
    const place = this.placeOf(print);
    if (this.lows[place] !== 0) {
      return;
    }
    this.highs[place] = print.high;
    this.lows[place] = print.low;
    this.count += 1;
    if (this.count > MOST) {
      this.reset(FIRST_CAPACITY);
    } else if (this.count * 2 > this.lows.length) {
      this.grow();
    }
  }

  private placeOf({ high, low }: Fingerprint): number {
    const mask = this.lows.length - 1;
    let place = (low ^ Math.imul(high, 0x9e3779b1)) & mask;
    while (this.lows[place] !== 0 && (this.lows[place] !== low || this.highs[place] !== high)) {
      place = (place + 1) & mask;
    }
    return place;
  }

  private grow(): void {
    const { highs, lows } = this;
    this.reset(lows.length * 2);
    lows.forEach((low, place) => {
      if (low !== 0) {
        this.add({ high: highs[place] ?? 0, low });
      }
    });
  }

  private reset(capacity: number): void {
    this.highs = new Uint32Array(capacity);
    this.lows = new Uint32Array(capacity);
    this.count = 0;
  }
}

export function fingerprintOf(file: ScannedFile): Fingerprint {
  const hash = new TwoHashes();
  hash.bytes(file.relativePath);
  hash.number(file.sizeBytes);
  hash.number(file.mtimeNs);
  hash.number(file.inode);
  return hash.end();
}

/** FNV-1a twice over, with different constants, and the final mixing of MurmurHash3. */
class TwoHashes {
  private a = 0x811c9dc5;
  private b = 0x9747b28c;

  bytes(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.take(byte);
    }
  }

  number(value: bigint): void {
    this.take(Number(BigInt.asUintN(32, value)));
    this.take(Number(BigInt.asUintN(32, value >> 32n)));
  }

  end(): Fingerprint {
    const low = mixed(this.a);
    return { high: mixed(this.b), low: low === 0 ? 1 : low };
  }

  private take(word: number): void {
    this.a = Math.imul(this.a ^ word, 0x01000193);
    this.b = Math.imul((this.b << 13) | (this.b >>> 19), 0x85ebca6b) ^ Math.imul(word, 0xc2b2ae35);
  }
}

function mixed(hash: number): number {
  let mixing = hash ^ (hash >>> 16);
  mixing = Math.imul(mixing, 0x85ebca6b);
  mixing ^= mixing >>> 13;
  mixing = Math.imul(mixing, 0xc2b2ae35);
  return (mixing ^ (mixing >>> 16)) >>> 0;
}
