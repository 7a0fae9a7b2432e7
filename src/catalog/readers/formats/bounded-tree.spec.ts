import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundedTree, RAW_LIMITS } from './bounded-tree.js';

describe(boundedTree, () => {
  it('makes plain JSON of what has no word in it', () => {
    const raw = {
      nan: NaN,
      low: -Infinity,
      zero: -0,
      id: 2n ** 60n,
      small: 5n,
      list: new Int16Array([1, 2]),
      gone: undefined,
    };
    expect(boundedTree(raw)).toEqual({
      nan: 'NaN',
      low: '-Infinity',
      zero: 0,
      id: '1152921504606846976',
      small: 5,
      list: [1, 2],
    });
  });

  it('cuts long texts and keys, and says where', () => {
    const tree = boundedTree({ text: 'x'.repeat(9000), ['k'.repeat(600)]: 1 });
    expect(tree['text']).toBe(`${'x'.repeat(RAW_LIMITS.text)}…`);
    expect(Object.keys(tree)).toContain(`${'k'.repeat(RAW_LIMITS.key)}…`);
    expect(tree['@truncated']).toEqual(['text (text of 9000 characters)']);
  });

  it('stops at the size limit, keeps what came before, and names the place', () => {
    const entries = Array.from({ length: 1000 }, (_, index) => [`key${index}`, 'ü'.repeat(2000)]);
    const tree = boundedTree({ group: Object.fromEntries(entries) as object, after: 1 });
    const size = Buffer.byteLength(JSON.stringify(tree));
    expect(size).toBeLessThanOrEqual(RAW_LIMITS.bytes);
    expect(size).toBeGreaterThan(RAW_LIMITS.bytes * 0.95);
    expect(tree['@truncated']).toEqual([expect.stringMatching(/^group\/key\d+ and what follows/)]);
  });

  it('stops at the depth limit', () => {
    let deep: object = {};
    for (let level = 0; level < 100; level += 1) {
      deep = { deeper: deep };
    }
    const tree = boundedTree({ deep, beside: 1 });
    expect(tree['beside']).toBe(1);
    expect(tree['@truncated']).toEqual([expect.stringContaining('deeper than 40 levels')]);
  });

  it('keeps any small JSON as it is, and never exceeds its limits', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false })), (value) => {
        const once = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
        expect(JSON.stringify(boundedTree(once))).toBe(JSON.stringify(once));
        const limits = { bytes: 33_000, depth: 4, nodes: 20, text: 10, key: 10 };
        expect(Buffer.byteLength(JSON.stringify(boundedTree(once, [], limits)))).toBeLessThanOrEqual(33_000);
      }),
      { numRuns: 500 },
    );
  });
});
