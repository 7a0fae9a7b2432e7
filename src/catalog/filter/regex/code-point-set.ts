import type { CodePointRange } from './regex-ast.js';

/** Below the first: U+0000 is in no stored text, and not every engine can write it. */
const FIRST = 1;
const LAST = 0x10ffff;
const SURROGATES: CodePointRange = [0xd800, 0xdfff];

export const DIGITS: readonly CodePointRange[] = [[0x30, 0x39]];
export const WORD: readonly CodePointRange[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
/** Tab, line feed, form feed, carriage return and space: what RE2 calls `\s`. */
export const SPACES: readonly CodePointRange[] = [
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x20, 0x20],
];
export const LINE_FEED: readonly CodePointRange[] = [[0x0a, 0x0a]];

export function complement(ranges: readonly CodePointRange[]): CodePointRange[] {
  const taken = [...ranges, SURROGATES].sort((left, right) => left[0] - right[0]);
  const free: CodePointRange[] = [];
  let next = FIRST;
  for (const [low, high] of taken) {
    if (low > next) {
      free.push([next, low - 1]);
    }
    next = Math.max(next, high + 1);
  }
  return next <= LAST ? [...free, [next, LAST]] : free;
}

/** Adds the other case of the letters A-Z and a-z; other alphabets keep their case (engines differ on them). */
export function withBothCases(ranges: readonly CodePointRange[]): CodePointRange[] {
  return ranges.flatMap((range) => [range, ...shifted(range, 0x41, 0x5a, 0x20), ...shifted(range, 0x61, 0x7a, -0x20)]);
}

function shifted([low, high]: CodePointRange, from: number, to: number, by: number): CodePointRange[] {
  const first = Math.max(low, from);
  const last = Math.min(high, to);
  return first <= last ? [[first + by, last + by]] : [];
}
