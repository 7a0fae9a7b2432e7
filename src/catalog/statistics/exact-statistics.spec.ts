import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limbsOf, numberOf } from '../mongo/limbs.js';
import { addSize, NO_SIZES, statisticsOf } from './exact-statistics.js';

describe('statisticsOf', () => {
  it('agrees with the textbook on any sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1000 }), { minLength: 1 }), (sizes) => {
        const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
        const variance = sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / sizes.length;
        const statistics = statisticsOf(sizes.reduce((sums, size) => addSize(sums, BigInt(size)), NO_SIZES));
        expect(statistics).toEqual({
          countFiles: sizes.length,
          totalBytes: sizes.reduce((sum, size) => sum + size, 0),
          meanBytes: expect.closeTo(mean, 9),
          minBytes: Math.min(...sizes),
          maxBytes: Math.max(...sizes),
          standardDeviationBytes: expect.closeTo(Math.sqrt(variance), 6),
        });
      }),
    );
  });

  it('counts many files of one size as that many', () => {
    const sums = addSize(addSize(NO_SIZES, 7n, 1_000_000n), 9n);
    expect(sums).toEqual({ count: 1_000_001n, total: 7_000_009n, sumOfSquares: 49_000_081n, min: 7n, max: 9n });
  });

  it('sees a difference of one byte between huge files', () => {
    const huge = 2n ** 53n - 1n;
    expect(statisticsOf(addSize(addSize(NO_SIZES, huge), huge - 1n)).standardDeviationBytes).toBe(0.5);
  });
});

describe('limbsOf', () => {
  it('adds up limb by limb to the sum of the numbers, also of negative ones', () => {
    const number = fc.bigInt({ min: -(2n ** 130n), max: 2n ** 130n });
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 20 }), (numbers) => {
        const limbs = numbers.map(limbsOf);
        const sums = limbs[0]?.map((_limb, index) => limbs.reduce((sum, each) => sum + (each[index] ?? 0n), 0n)) ?? [];
        expect(numberOf(sums)).toBe(numbers.reduce((sum, each) => sum + each, 0n));
        expect(limbs.flat().every((limb) => limb > -(2n ** 32n) && limb < 2n ** 32n)).toBe(true);
      }),
    );
  });
});
