import type { FileStatistics } from '../catalog-file.js';

/** What statistics are computed from; exact whatever the sizes (the squares of file sizes leave 64 bits behind). */
export interface SizeSums {
  count: bigint;
  total: bigint;
  sumOfSquares: bigint;
  min: bigint | null;
  max: bigint | null;
}

export const NO_SIZES: SizeSums = { count: 0n, total: 0n, sumOfSquares: 0n, min: null, max: null };

/** Adds `times` files of one size. */
export function addSize(sums: SizeSums, size: bigint, times = 1n): SizeSums {
  return {
    count: sums.count + times,
    total: sums.total + size * times,
    sumOfSquares: sums.sumOfSquares + size * size * times,
    min: sums.min === null || size < sums.min ? size : sums.min,
    max: sums.max === null || size > sums.max ? size : sums.max,
  };
}

export function statisticsOf(sums: SizeSums): FileStatistics {
  const { count, total, sumOfSquares, min, max } = sums;
  if (count === 0n) {
    return {
      countFiles: 0,
      totalBytes: 0,
      meanBytes: null,
      minBytes: null,
      maxBytes: null,
      standardDeviationBytes: null,
    };
  }
  // n·Σx² − (Σx)² in whole numbers: with floating point, equal sizes in the terabytes would not have deviation 0.
  const scaledVariance = count * sumOfSquares - total * total;
  return {
    countFiles: Number(count),
    totalBytes: Number(total),
    meanBytes: Number(total) / Number(count),
    minBytes: min === null ? null : Number(min),
    maxBytes: max === null ? null : Number(max),
    standardDeviationBytes: Math.sqrt(Number(scaledVariance)) / Number(count),
  };
}
