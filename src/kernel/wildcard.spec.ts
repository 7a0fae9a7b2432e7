import { describe, expect, it } from 'vitest';
import { wildcard } from './wildcard.js';

describe('wildcard', () => {
  it.each([
    ['*.h5', 'scan/a.h5', true],
    ['*.h5', 'a.h5x', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a?c', 'a😀c', true],
    ['[abc]1', 'b1', true],
    ['[!abc]1', 'b1', false],
    ['[a-f]*', 'deep/x', true],
    ['[]]', ']', true],
    ['[!]]', ']', false],
    ['[', '[', true],
    ['scan*/raw/*', 'scan1/sub/raw/x', true],
    ['', '', true],
    ['*', '', true],
    ['a.c', 'abc', false],
    ['$(x)*', '$(x).tif', true],
  ])('%j on %j: %s', (pattern, text, expected) => {
    expect(wildcard(pattern)(text)).toBe(expected);
  });

  it('answers a pattern made to backtrack for ever', () => {
    expect(wildcard('a*'.repeat(200) + 'b')('a'.repeat(5000))).toBe(false);
  });
});
