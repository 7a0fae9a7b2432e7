const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * The number that a text is, if it is one and can be given back as it was written; else undefined. `007` is no number: what
 * is written so is a name.
 */
export function numberOf(text: string): number | undefined {
  if (!NUMBER.test(text) || /^[+-]?0\d/.test(text)) {
    return undefined;
  }
  const value = Number(text);
  const isExact = Number.isFinite(value) && (Number.isSafeInteger(value) || !/^[+-]?\d+$/.test(text));
  return isExact ? value : undefined;
}

/** A number where the text is one, else the text. */
export function numberOrText(text: string): number | string {
  return numberOf(text) ?? text;
}

/** Numbers between blanks, or undefined when any of them is none. */
export function numbersOf(text: string): number[] | undefined {
  const parts = text.trim().split(/\s+/);
  const numbers = parts.map((part) => (NUMBER.test(part) ? Number(part) : NaN));
  return numbers.some(Number.isNaN) ? undefined : numbers;
}

/** A 32-bit float with as few digits as tell it from its neighbours: 0.1, where 64 bits would show 0.10000000149011612. */
export function shortFloat32(value: number): number {
  if (!Number.isFinite(value) || Number.isInteger(value)) {
    return value;
  }
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) {
      return short;
    }
  }
  return Number(value.toPrecision(9));
}
