import fc from 'fast-check';
import { join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { experimentNameProblem, rootPathProblem } from './experiment-name.js';

describe(experimentNameProblem.name, () => {
  it.each(['a', '7', 'smith-2026-3', '2026.11_test', 'A'.repeat(100), 'com1'])('accepts %s', (name) => {
    expect(experimentNameProblem(name)).toBeNull();
  });

  it.each([
    ['', /empty/],
    ['A'.repeat(101), /at most 100/],
    ['.hidden', /begin/],
    ['..', /begin/],
    ['-rf', /begin/],
    ['_x', /begin/],
    ['a.', /end with a dot/],
    ['a b', /hold only/],
    ['a/b', /hold only/],
    ['a\\b', /hold only/],
    ['a\nb', /hold only/],
    ['a\n', /hold only/],
    ['a\u0000', /hold only/],
    ['größe', /hold only/],
    ['a;rm', /hold only/],
    ['$(x)', /begin/],
    ['a%2e', /hold only/],
    ['a:b', /hold only/],
  ])('refuses %j and says why', (name, reason) => {
    expect(experimentNameProblem(name)).toMatch(reason);
  });

  it('accepts nothing that means something else as a directory or in a URL', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'aZ9.-_/ %\\~') })), (name) => {
        fc.pre(experimentNameProblem(name) === null);
        expect(join('/root', name)).toBe(`/root/${name}`);
        expect(encodeURIComponent(name)).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });
});

describe(rootPathProblem.name, () => {
  it.each(['2026-3', 'a/b/c', '2026.3/visitors'])('accepts %s', (path) => {
    expect(rootPathProblem(path)).toBeNull();
  });

  it.each([
    ['', /empty/],
    ['/abs', /relative/],
    ['a/', /empty/],
    ['a//b', /empty/],
    ['../x', /begin/],
    ['a/../b', /begin/],
    ['a/./b', /begin/],
    ['.removed', /begin/],
    ['a/b c', /hold only/],
    ['a/'.repeat(8) + 'a', /8 levels/],
    ['a'.repeat(256), /at most 255/],
  ])('refuses %j and says why', (path, reason) => {
    expect(rootPathProblem(path)).toMatch(reason);
  });

  it('accepts nothing that leads out of the directory of the station', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '.', '/', '-', '..', '~') }), (path) => {
        fc.pre(rootPathProblem(path) === null);
        expect(normalize(join('/root/station', path))).toBe(`/root/station/${path}`);
      }),
      { numRuns: 2000 },
    );
  });
});
