import { createCipheriv, createHash } from 'node:crypto';

/** Numbers in [0, 1) that are the same for the same seed, on every machine (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bytes that no copier can compress or guess, the same for the same name: a key stream. */
export function randomBytesOf(name: string): (length: number) => Buffer {
  const key = createHash('sha256').update(name).digest();
  const stream = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16, 32));
  let zeros = Buffer.alloc(0);
  return (length) => {
    if (zeros.length < length) {
      zeros = Buffer.alloc(length);
    }
    return stream.update(zeros.subarray(0, length));
  };
}
