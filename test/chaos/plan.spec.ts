import { describe, expect, it } from 'vitest';
import { type FaultKind, planOf } from './plan.ts';

const KINDS: FaultKind[] = ['station-killed', 'postgres-killed', 'destination-filled', 'source-changed'];

describe(planOf, () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planOf(7, KINDS, 3, 60)).toEqual(planOf(7, KINDS, 3, 60));
    expect(planOf(8, KINDS, 3, 60)).not.toEqual(planOf(7, KINDS, 3, 60));
  });

  it('lets each kind strike before any strikes twice', () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const kinds = planOf(seed, KINDS, 1, 35)[0]!.map((fault) => fault.kind);
      expect(new Set(kinds.slice(0, KINDS.length)).size).toBe(KINDS.length);
    }
  });

  it('has room for each kind in the round of the short form', () => {
    const kinds = Array.from({ length: 10 }, (_, index) => `kind ${index}` as FaultKind);
    for (let seed = 0; seed < 100; seed += 1) {
      const drawn = planOf(seed, kinds, 1, 36)[0]!.map((fault) => fault.kind);
      expect(new Set(drawn).size).toBe(kinds.length);
    }
  });

  it('begins every fault while the round is on', () => {
    for (const { at, lasts } of planOf(3, KINDS, 20, 30).flat()) {
      expect(at).toBeGreaterThan(0);
      expect(at).toBeLessThan(28);
      expect(lasts).toBeGreaterThan(0);
    }
  });
});
