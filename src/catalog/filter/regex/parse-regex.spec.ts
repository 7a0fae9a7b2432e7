import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { parseRegex } from './parse-regex.js';
import { PCRE_REGEX, POSTGRES_REGEX, printRegex } from './print-regex.js';

const read = (pattern: string, ignoreCase = false) => parseRegex(pattern, { ignoreCase }, 'at');

describe('parseRegex', () => {
  it.each([
    ['a look-ahead', '(?=a)'],
    ['a look-behind', '(?<!a)b'],
    ['a back reference', '(a)\\1'],
    ['a word boundary', '\\bword'],
    ['an inline flag', '(?i)a'],
    ['a named group', '(?P<x>a)'],
    ['a Unicode class', '\\p{L}'],
    ['a POSIX class', '[[:alpha:]]'],
    ['an empty alternative', 'a|'],
    ['an empty pattern', ''],
    ['a repetition of a repetition', 'a**'],
    ['a repetition of an anchor', '^*a'],
    ['a repetition beyond what PostgreSQL counts', 'a{256}'],
    ['nested counts beyond what RE2 takes', '((a{100}){100}){100}'],
    ['a literal brace', 'a{x}'],
    ['an open group', '(a'],
    ['an open class', '[a'],
    ['a backslash at the end', 'a\\'],
    ['a reversed range', '[z-a]'],
    ['a range of classes', '[\\d-z]'],
    ['U+0000', '\\x00'],
    ['the letter escapes that engines read differently', '\\z'],
    ['too much text', 'a'.repeat(513)],
    ['too many groups within each other', `${'('.repeat(30)}a${')'.repeat(30)}`],
  ])('refuses %s', (_name, pattern) => {
    expect(() => read(pattern)).toThrow(expect.objectContaining({ code: 'FILTER_REGEX_REFUSED' }));
  });

  it('writes everything but letters and digits as code points', () => {
    expect(printRegex(read('^a.b-[^x-z\\]]{2,}?😀$'), POSTGRES_REGEX)).toBe(
      '^a[^\\u000a]b\\u002d(?:[^x-z\\u005d]){2,}\\U0001f600$',
    );
    expect(printRegex(read('a\\.b|(c)+$'), PCRE_REGEX)).toBe('(?:a\\x{2e}b|(?:c)+\\z)');
  });

  it('ignores the case of the letters A to Z only', () => {
    expect(printRegex(read('aÉ[x-z]', true), PCRE_REGEX)).toBe('[aA]\\x{c9}[x-zX-Z]');
  });

  it('means the same as the original pattern does in RE2', () => {
    const piece = fc.constantFrom('a', 'b', 'B', '.', '[ab]', '[^a]', '\\d', '\\W', '(a|b)', '(?:ab)', '\\.', 'é');
    const suffix = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}', '{1,}?', '*?');
    const sequence = fc.array(
      fc.tuple(piece, suffix).map(([atom, repeat]) => atom + repeat),
      { minLength: 1, maxLength: 4 },
    );
    const pattern = fc
      .tuple(fc.constantFrom('', '^'), sequence, fc.constantFrom('', '$'), fc.constantFrom('', '|b$'))
      .map(([start, parts, end, other]) => `${start}${parts.join('')}${end}${other}`);
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'B', '5', '.', 'é', '\n', '😀'), maxLength: 6 });
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 5, maxLength: 5 }), (source, texts) => {
        const printed = RE2JS.compile(printRegex(read(source), PCRE_REGEX));
        const original = RE2JS.compile(source);
        expect(texts.map((item) => printed.matcher(item).find())).toEqual(
          texts.map((item) => original.matcher(item).find()),
        );
      }),
      { numRuns: 500 },
    );
  });
});
