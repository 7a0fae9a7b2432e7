/**
 * A number as JSON has it. What JSON has no word for becomes text rather than being lost: NaN, the infinities, integers
 * beyond 2^53. -0 is 0: JSON text has it, the databases do not agree on it.
 */
export function plainNumber(value: number | bigint): number | string {
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  return Number.isFinite(value) ? value + 0 : String(value);
}

/** Whether an object becomes a list in JSON: an array or a typed one. */
export function isList(value: object): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}
