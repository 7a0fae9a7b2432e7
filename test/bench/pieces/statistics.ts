/** Smallest, middle and largest of some figures. */
export interface Spread {
  min: number;
  median: number;
  max: number;
}

/** The middle value; between the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? NaN) + upper) / 2 : upper;
}

export function spread(values: readonly number[]): Spread {
  return { min: Math.min(...values), median: median(values), max: Math.max(...values) };
}

/** The smallest value that `share` (0-1) of all do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/**
 * Our wall time over theirs. The ratio that counts is that of the two medians; the spread is that of the single rounds,
 * in which both ran within the same minute.
 */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): { ofMedians: number; rounds: Spread } {
  return {
    ofMedians: median(ours) / median(theirs),
    rounds: spread(ours.map((seconds, round) => seconds / (theirs[round] ?? NaN))),
  };
}
