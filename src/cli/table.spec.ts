import { describe, expect, it } from 'vitest';
import { safeBlock, safeLine } from './safe-text.js';
import { facts, table } from './table.js';

const columns = [
  { title: 'size', value: (row: { size: number }) => row.size, align: 'right' as const },
  { title: 'path', value: (row: { path: unknown }) => row.path },
];

describe(table, () => {
  it('aligns its columns and leaves no blanks at the end of a line', () => {
    const text = table(
      [
        { size: 5, path: 'a' },
        { size: 1234, path: 'bb' },
      ],
      columns,
    );
    expect(text).toBe('SIZE  PATH\n   5  a\n1234  bb');
  });

  it('keeps a row on one line and a terminal in order, whatever a name holds', () => {
    const hostile = 'a\nb\x1b[31mred\x1b[0m\x07\r\u202egnp.exe\u0085';
    const text = table([{ size: 1, path: hostile }], columns);
    expect(text.split('\n')).toHaveLength(2);
    expect(text).toContain('a\\x0ab\\x1b[31mred\\x1b[0m\\x07\\x0d\\u202egnp.exe\\x85');
  });

  it('aligns what stands after wide characters', () => {
    const wide = [
      { path: '日本', size: 1 },
      { path: 'abcd', size: 2 },
    ];
    const lines = table(wide, [...columns].reverse()).split('\n');
    expect(lines.slice(1)).toEqual(['日本     1', 'abcd     2']);
  });

  it('shows null and undefined as nothing, and objects as JSON', () => {
    expect(table([{ size: 1, path: null }], columns)).toBe('SIZE  PATH\n   1');
    expect(table([{ size: 1, path: { a: [1] } }], columns)).toContain('{"a":[1]}');
  });
});

describe(facts, () => {
  it('leaves out what is not known', () => {
    expect(
      facts([
        ['id', 7],
        ['error', null],
        ['status', 'done'],
      ]),
    ).toBe('id      7\nstatus  done');
  });
});

describe(safeLine, () => {
  it('leaves ordinary text of any language alone', () => {
    expect(safeLine('café 日本 🔬 a; rm -rf ~ $(x).tif')).toBe('café 日本 🔬 a; rm -rf ~ $(x).tif');
  });
  it('escapes halves of surrogate pairs, which no encoding can carry', () => {
    expect(safeLine('a\ud800b')).toBe('a\\ud800b');
  });
});

describe(safeBlock, () => {
  it('keeps the lines and tabs of an output, and nothing else that moves a cursor', () => {
    expect(safeBlock('a\tb\r\nc\x1b[2Jd\n')).toBe('a\tb\nc\\x1b[2Jd\n');
  });
});
