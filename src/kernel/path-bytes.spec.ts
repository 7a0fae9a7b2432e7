import { describe, expect, it } from 'vitest';
import { directoryOf, isBelowOrSame, isPlainRelative, joinBytes, nameOf, relativeTo, splitPath } from './path-bytes.js';

const bytes = (text: string) => Buffer.from(text);

describe('paths as bytes', () => {
  it.each([
    ['/a', ['b', 'c'], '/a/b/c'],
    ['/', ['b'], '/b'],
    ['', ['b', 'c'], 'b/c'],
    ['/a/', ['', 'b'], '/a/b'],
    ['data', [''], 'data'],
  ])('joins %s and %s', (directory, parts, joined) => {
    expect(joinBytes(bytes(directory), ...parts.map(bytes)).toString()).toBe(joined);
  });

  it.each(['/a/b', '/a', 'a', 'a/b/c', ''])('splits %s as it is taken apart', (path) => {
    const [directory, name] = splitPath(bytes(path));
    expect([directory, name]).toEqual([directoryOf(bytes(path)), nameOf(bytes(path))]);
  });

  it('takes a path apart', () => {
    expect(directoryOf(bytes('/a/b')).toString()).toBe('/a');
    expect(directoryOf(bytes('/a')).toString()).toBe('/');
    expect(directoryOf(bytes('a')).toString()).toBe('');
    expect(nameOf(bytes('/a/b')).toString()).toBe('b');
    expect(relativeTo(bytes('/a/b/c'), bytes('/a')).toString()).toBe('b/c');
    expect(relativeTo(bytes('/a'), bytes('/')).toString()).toBe('a');
  });

  it.each([
    ['/data/x', '/data', true],
    ['/data', '/data', true],
    ['/data/', '/data', true],
    ['/data/x', '/data/', true],
    ['/database', '/data', false],
    ['/dat', '/data', false],
    ['/anything', '/', true],
  ])('%s below %s: %s', (path, directory, expected) => {
    expect(isBelowOrSame(bytes(path), bytes(directory))).toBe(expected);
  });

  it.each([
    ['a/b', true],
    ['..a/b..', true],
    ['a/../b', false],
    ['..', false],
    ['./a', false],
    ['/a', false],
    ['a//b', false],
    ['a/', false],
    ['', false],
    ['a\u0000b', false],
  ])('plain relative %j: %s', (path, expected) => {
    expect(isPlainRelative(bytes(path))).toBe(expected);
  });
});
