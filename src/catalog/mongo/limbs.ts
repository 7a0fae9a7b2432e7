/**
 * A whole number of any size as the sum of `limb[i] * 2^(32 i)`, each limb a 64-bit integer. Limbs are added to one by
 * one, without carry, by the server's atomic `$inc`; a limb has room for 2^31 additions of any number. Four limbs hold
 * what the squares of sizes (below 2^106) add up to. (Decimal128 would round after 34 digits, and not every server that
 * speaks MongoDB's protocol has it.)
 */
export const LIMB_COUNT = 5;
const BITS = 32n;
const MASK = (1n << BITS) - 1n;

/** Limbs of a number, all with its sign, so that adding them adds the number. */
export function limbsOf(value: bigint): bigint[] {
  const sign = value < 0n ? -1n : 1n;
  const size = value * sign;
  return Array.from({ length: LIMB_COUNT }, (_unused, index) => sign * ((size >> (BITS * BigInt(index))) & MASK));
}

export function numberOf(limbs: readonly bigint[]): bigint {
  return limbs.reduce((sum, limb, index) => sum + (limb << (BITS * BigInt(index))), 0n);
}
