import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergePatch } from './merge-patch.js';
import { MAX_METADATA_DEPTH, normaliseMetadata } from './normalise-metadata.js';
import { fromStored, JSONB_FORM, MONGO_FORM, toStored } from './stored-metadata.js';
import { storedMongoKey, storedText } from './stored-text.js';

const anyText = fc.string({
  unit: fc.oneof(
    fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)),
    fc.constantFrom('\u0000', '\uFDD0', '\uFDE0', '\uFDEF', '.', '$', '_', '0'),
  ),
  maxLength: 8,
});

describe('the stored form', () => {
  it.each([
    ['JSONB', JSONB_FORM],
    ['MongoDB', MONGO_FORM],
  ])('in %s gives any keys and texts back', (_name, form) => {
    fc.assert(
      fc.property(
        fc.dictionary(anyText, fc.oneof(anyText, fc.array(anyText)), { noNullPrototype: true }),
        (metadata) => {
          expect(fromStored(toStored(metadata, form), form)).toStrictEqual(metadata);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('is text that both servers take', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(storedText(text).isWellFormed()).toBe(true);
        expect(storedText(text)).not.toContain('\u0000');
        expect(storedMongoKey(text)).not.toMatch(/[.$\u0000]|^$|^\d+$|^__/);
      }),
      { numRuns: 1000 },
    );
  });

  it('leaves ordinary text and keys as they are', () => {
    expect(storedText('Si(111) 😀 %2E')).toBe('Si(111) 😀 %2E');
    expect(storedMongoKey('exposure_time 2')).toBe('exposure_time 2');
  });
});

describe('normaliseMetadata', () => {
  it('keeps what JSON cannot say as text, rather than losing it', () => {
    const read = {
      nan: NaN,
      infinity: -Infinity,
      zero: -0,
      big: 2n ** 64n,
      small: 5n,
      at: new Date(0),
      gone: undefined,
      list: new Float32Array([1, 0.5]),
      holes: [undefined],
    };
    expect(normaliseMetadata(read)).toStrictEqual({
      nan: 'NaN',
      infinity: '-Infinity',
      zero: 0,
      big: '18446744073709551616',
      small: 5,
      at: '1970-01-01T00:00:00.000Z',
      list: [1, 0.5],
      holes: [null],
    });
  });

  it('refuses what is too deep, endless or too large', () => {
    let deep: Record<string, unknown> = {};
    for (let level = 1; level < MAX_METADATA_DEPTH; level += 1) {
      deep = { deep };
    }
    expect(() => normaliseMetadata(deep)).not.toThrow();
    expect(() => normaliseMetadata({ deep })).toThrow(/levels deep/);
    const endless: unknown[] = [];
    endless.push(endless);
    expect(() => normaliseMetadata({ endless })).toThrow(/levels deep/);
    expect(() => normaliseMetadata({ text: 'x'.repeat(5 * 1024 * 1024) })).toThrow(/Store large values as a file/);
    expect(() => normaliseMetadata({ call: () => 1 })).toThrow(/JSON values/);
  });
});

describe('mergePatch', () => {
  it.each([
    ['adds, replaces and removes keys', { a: 1, b: 2 }, { b: 3, c: 4, a: null }, { b: 3, c: 4 }],
    ['goes into objects', { a: { b: 1, c: 2 } }, { a: { b: null, d: 3 } }, { a: { c: 2, d: 3 } }],
    ['replaces lists whole', { a: [1, 2] }, { a: [3] }, { a: [3] }],
    ['replaces what is no object by one, without its nulls', { a: 1 }, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
    ['replaces an object by a value', { a: { b: 1 } }, { a: 1 }, { a: 1 }],
    ['ignores the removal of what is not there', {}, { a: null }, {}],
  ])('%s', (_name, target, patch, expected) => {
    const before = structuredClone(target);
    expect(mergePatch(target, patch)).toStrictEqual(expected);
    expect(target).toStrictEqual(before);
  });

  it('takes __proto__ for a key like any other', () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>);
    expect(Object.hasOwn(merged, '__proto__')).toBe(true);
    expect('polluted' in {}).toBe(false);
  });
});
