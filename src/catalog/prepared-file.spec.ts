import { describe, expect, it } from 'vitest';
import { canonicalPath } from './catalog-path.js';
import type { NewCatalogFile } from './catalog-file.js';
import { parseSort, positionOf } from './file-sort.js';
import { prepareBatch } from './prepared-file.js';

const file = (facts: Partial<NewCatalogFile>): NewCatalogFile => ({
  path: 'data/a.h5',
  sizeBytes: 1,
  modifiedAt: '2026-11-20T08:00:00Z',
  ...facts,
});

describe('canonicalPath', () => {
  it('writes the same bytes always as the same text', () => {
    expect(canonicalPath('data/\\x61.h5')).toBe('data/a.h5');
    expect(canonicalPath('data/caf\\xc3\\xa9')).toBe('data/café');
    expect(canonicalPath('data/caf\\xE9')).toBe('data/caf\\xe9');
    expect(canonicalPath('line\nbreak')).toBe('line\\x0abreak');
    expect(canonicalPath('-rf; $(x) *')).toBe('-rf; $(x) *');
  });

  it.each([
    '',
    '/abs',
    'a//b',
    'a/',
    './a',
    'a/../b',
    '..',
    'a/\\x2e\\x2e/b',
    'back\\slash',
    'lone\uD800',
    'x'.repeat(4097),
  ])('refuses %j', (path) => {
    expect(() => canonicalPath(path)).toThrow(expect.objectContaining({ code: 'CATALOG_FILE_INVALID' }));
  });
});

describe('prepareBatch', () => {
  it.each([
    ['a negative size', { sizeBytes: -1 }],
    ['half a byte', { sizeBytes: 0.5 }],
    ['a size that numbers cannot hold', { sizeBytes: 2 ** 53 }],
    ['version 0', { version: 0 }],
    ['a version beyond 31 bits', { version: 2 ** 31 }],
    ['a short digest', { md5Sum: 'abc' }],
    ['an id of another kind', { id: 'ABC' }],
    ['no time', { modifiedAt: 'soon' }],
    ['a year of five digits', { modifiedAt: new Date(8.64e15) }],
  ])('refuses %s', (_name, facts) => {
    expect(() => prepareBatch([file(facts)])).toThrow(expect.objectContaining({ code: 'CATALOG_FILE_INVALID' }));
  });

  it('knows two spellings of one path for the same file', () => {
    const batch = prepareBatch([file({ path: 'a' }), file({ path: 'b' }), file({ path: '\\x61', sizeBytes: 2 })]);
    expect(batch.positions).toEqual([0, 1, 0]);
    expect(batch.files.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });
});

describe('the order of files', () => {
  it('is by a field that every file has', () => {
    expect(parseSort('-sizeBytes')).toEqual({ field: 'sizeBytes', descending: true });
    for (const text of ['', '-', 'md5Sum', 'constructor', '--path']) {
      expect(() => parseSort(text)).toThrow(expect.objectContaining({ code: 'SORT_INVALID' }));
    }
  });

  it('is the only one that its cursors fit', () => {
    const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const id = 'a'.repeat(24);
    const bySize = parseSort('sizeBytes');
    expect(positionOf(cursor({ s: 'sizeBytes', v: 5, i: id }), bySize)).toEqual({ value: 5, id });
    const wrong = [
      { s: 'path', v: 'x', i: id },
      { s: 'sizeBytes', v: '5', i: id },
      { s: 'sizeBytes', v: 5, i: 'x' },
      7,
    ];
    for (const value of [...wrong.map(cursor), 'nonsense']) {
      expect(() => positionOf(value, bySize)).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }));
    }
  });
});
