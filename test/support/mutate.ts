import type { SeededRandom } from '../../src/tools/detector/random.js';

/** Values that lengths, counts and offsets take where something goes wrong. */
const EXTREMES = [0xffffffff, 0x7fffffff, 0x80000000, 0xffff, 0x10000, 0x01000000, 0, 1];
const TEXT_EXTREMES = ['99999999999999999999', '-1', '1e308', 'NaN', '', '\0', '"', '{', ';', '\n', '&', '<'];

type Mutation = (bytes: Buffer, random: SeededRandom, other: Buffer) => Buffer;

const MUTATIONS: readonly Mutation[] = [flipBits, truncate, splice, blowUpLength, blowUpNumber, blank, repeat, remove];

/** A damaged copy: one to four mutations, of which some concern its beginning, where headers are. */
export function mutate(original: Buffer, other: Buffer, random: SeededRandom): Buffer {
  let bytes: Buffer = Buffer.from(original);
  const count = random.integer(1, 4);
  for (let index = 0; index < count && bytes.length > 0; index += 1) {
    const mutation = MUTATIONS[random.integer(0, MUTATIONS.length - 1)] ?? flipBits;
    bytes = mutation(bytes, random, other);
  }
  return bytes;
}

/** Half of all places lie in the first KB. */
function place(bytes: Buffer, random: SeededRandom): number {
  const within = random.next() < 0.5 ? Math.min(bytes.length, 1024) : bytes.length;
  return random.integer(0, Math.max(0, within - 1));
}

function flipBits(bytes: Buffer, random: SeededRandom): Buffer {
  const count = random.integer(1, 16);
  for (let index = 0; index < count; index += 1) {
    const at = place(bytes, random);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(0, 7));
  }
  return bytes;
}

function truncate(bytes: Buffer, random: SeededRandom): Buffer {
  return bytes.subarray(0, random.integer(0, bytes.length));
}

/** A part of another file, or of this one, in the place of another part. */
function splice(bytes: Buffer, random: SeededRandom, other: Buffer): Buffer {
  const source = random.next() < 0.5 ? Buffer.from(bytes) : other;
  const from = place(source, random);
  source.copy(bytes, place(bytes, random), from, from + random.integer(1, 512));
  return bytes;
}

function blowUpLength(bytes: Buffer, random: SeededRandom): Buffer {
  const at = Math.floor(place(bytes, random) / 4) * 4;
  const value = EXTREMES[random.integer(0, EXTREMES.length - 1)] ?? 0;
  if (at + 8 <= bytes.length) {
    if (random.next() < 0.5) {
      bytes.writeUInt32LE(value, at);
    } else {
      bytes.writeUInt32BE(value, at);
    }
    if (random.next() < 0.3) {
      bytes.writeUInt32LE(value, at + 4);
    }
  }
  return bytes;
}

/** Another number, or a character that means something, where digits stand. */
function blowUpNumber(bytes: Buffer, random: SeededRandom): Buffer {
  const start = place(bytes, random);
  const at = bytes.subarray(start).findIndex((byte) => byte >= 0x30 && byte <= 0x39);
  if (at === -1) {
    return bytes;
  }
  const text = TEXT_EXTREMES[random.integer(0, TEXT_EXTREMES.length - 1)] ?? '';
  return Buffer.concat([bytes.subarray(0, start + at), Buffer.from(text), bytes.subarray(start + at + 1)]);
}

function blank(bytes: Buffer, random: SeededRandom): Buffer {
  const at = place(bytes, random);
  return bytes.fill(random.next() < 0.5 ? 0 : 0xff, at, Math.min(bytes.length, at + random.integer(1, 256)));
}

function repeat(bytes: Buffer, random: SeededRandom): Buffer {
  const at = place(bytes, random);
  const part = bytes.subarray(at, Math.min(bytes.length, at + random.integer(1, 256)));
  const times = Array.from({ length: random.integer(1, 20) }, () => part);
  return Buffer.concat([bytes.subarray(0, at), ...times, bytes.subarray(at)]);
}

function remove(bytes: Buffer, random: SeededRandom): Buffer {
  const at = place(bytes, random);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.integer(1, 256))]);
}
