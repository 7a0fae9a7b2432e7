import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Md5Lanes } from './md5-lanes.js';
import { BLOCK_BYTES, type Extent, type MultiDigest, PADDING_BYTES } from './multi-digest.port.js';
import { openDigest, openDigestOver } from './open-digest.js';
import { OpenSslDigest } from './openssl-digest.js';

const MEMORY_BYTES = 4 * 1024 * 1024;

/** RFC 1321, A.5. */
const RFC_1321 = {
  '': 'd41d8cd98f00b204e9800998ecf8427e',
  a: '0cc175b9c0f1b6a831c399e269772661',
  abc: '900150983cd24fb0d6963f7d28e17f72',
  'message digest': 'f96b697d7cb7938d525a2f31aaf161d0',
  abcdefghijklmnopqrstuvwxyz: 'c3fcd3d76192e4007dfb496cca67e13b',
  ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789: 'd174ab98d277d9f5a5611c2c9f419d9f',
  '12345678901234567890123456789012345678901234567890123456789012345678901234567890':
    '57edf4a22be3c955ac49da2e2107b67a',
};

/** Puts contents into the memory one after the other, at any alignment, with room for the padding between them. */
function place(digest: MultiDigest, contents: readonly Buffer[], gap = PADDING_BYTES): Extent[] {
  let offset = 0;
  return contents.map((content) => {
    content.copy(digest.memory, offset);
    const extent = { offset, length: content.length };
    offset += content.length + gap;
    return extent;
  });
}

const md5 = (content: Uint8Array) => hash('md5', content, 'hex');

/** Lengths where the padding changes its shape, and any others. */
const length = fc.oneof(
  fc.constantFrom(0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129),
  fc.integer({ min: 0, max: 5000 }),
);
const content = fc
  .tuple(length, fc.integer({ min: 0, max: 255 }))
  .map(([bytes, seed]) =>
    Buffer.from(Array.from({ length: bytes }, (_, at) => (at * 31 + seed * 7 + (at >> 8)) & 255)),
  );

describe.each([
  ['eight lanes', () => Md5Lanes.ofSize(MEMORY_BYTES)],
  ['OpenSSL', () => OpenSslDigest.ofSize(MEMORY_BYTES)],
])('MD5 by %s', (_name, open: () => MultiDigest) => {
  const digest = open();

  it('answers the test suite of RFC 1321', () => {
    const contents = Object.keys(RFC_1321).map((text) => Buffer.from(text));
    expect(digest.digest(place(digest, contents))).toEqual(Object.values(RFC_1321));
  });

  it.each([0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 33, 64])('digests %i contents at once', (count) => {
    const contents = Array.from({ length: count }, (_, index) => Buffer.alloc(index * 97, index));
    expect(digest.digest(place(digest, contents))).toEqual(contents.map(md5));
  });

  it('agrees with node:crypto on contents of any number, length and place', () => {
    fc.assert(
      fc.property(fc.array(content, { maxLength: 40 }), fc.integer({ min: 0, max: 70 }), (contents, moreGap) => {
        digest.memory.fill(0xff, 0, 300_000);
        expect(digest.digest(place(digest, contents, PADDING_BYTES + moreGap))).toEqual(contents.map(md5));
      }),
      { numRuns: 150 },
    );
  });

  it('leaves the contents as they are', () => {
    const contents = [55, 56, 64, 4000].map((bytes) => Buffer.alloc(bytes, bytes & 255));
    const extents = place(digest, contents);
    digest.digest(extents);
    expect(
      extents.map(({ offset, length: bytes }) => Buffer.from(digest.memory.subarray(offset, offset + bytes))),
    ).toEqual(contents);
  });

  it('takes streams on part by part, side by side, whatever their lengths', () => {
    const streams = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), content), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(streams, (plans) => {
        const whole = plans.map(([parts, last], index) => Buffer.concat([Buffer.alloc(parts * 192, index + 1), last]));
        const open = plans.map(([parts, last], index) => ({ parts, last, index, stream: digest.open() }));
        for (let round = 0; round < 6; round += 1) {
          const going = open.filter(({ parts }) => round < parts);
          const extents = place(
            digest,
            going.map(({ index }) => Buffer.alloc(3 * BLOCK_BYTES, index + 1)),
            0,
          );
          digest.advance(going.map(({ stream }, at) => ({ stream, ...(extents[at] as Extent) })));
        }
        const extents = place(
          digest,
          open.map(({ last }) => last),
        );
        expect(digest.finish(open.map(({ stream }, at) => ({ stream, ...(extents[at] as Extent) })))).toEqual(
          whole.map(md5),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('counts the length of a stream beyond 32 bits of bits', () => {
    const part = { offset: 0, length: MEMORY_BYTES - BLOCK_BYTES };
    digest.memory.fill(0);
    const stream = digest.open();
    const rounds = 130; // 545 MB: 4.4e9 bits
    for (let round = 0; round < rounds; round += 1) {
      digest.advance([{ stream, ...part }]);
    }
    const referee = OpenSslDigest.ofSize(MEMORY_BYTES);
    const expected = referee.open();
    for (let round = 0; round < rounds; round += 1) {
      referee.advance([{ stream: expected, ...part }]);
    }
    const end = { offset: 0, length: 3 };
    expect(digest.finish([{ stream, ...end }])).toEqual(referee.finish([{ stream: expected, ...end }]));
  });
});

describe(openDigest.name, () => {
  it('uses the lanes on a machine that has them, and shares their memory', () => {
    const digest = openDigest(1000);
    const other = openDigestOver(digest.shared);
    expect([digest, other]).toEqual([expect.any(Md5Lanes), expect.any(Md5Lanes)]);
    digest.memory.write('abc');
    expect(other.digest([{ offset: 0, length: 3 }])).toEqual([RFC_1321.abc]);
  });

  it('shares the memory of the other one too', () => {
    const digest = OpenSslDigest.ofSize(1000);
    digest.memory.write('abc');
    expect(openDigestOver(digest.shared).digest([{ offset: 0, length: 3 }])).toEqual([RFC_1321.abc]);
  });
});
