/** Plain string order by code point, as Python sorts (UTF-16 order differs beyond U+FFFF): the order stages run in. */
export function inStageOrder(keys: readonly string[]): string[] {
  return [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
