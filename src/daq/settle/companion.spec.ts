import { describe, expect, it } from 'vitest';
import { companionOf, companionProblem, companionTest } from './companion.js';

describe('companionOf', () => {
  it.each([
    ['{name}.done', 'scan/a.h5', 'scan/a.h5.done'],
    ['{stem}.ok', 'scan/a.b.h5', 'scan/a.b.ok'],
    ['{stem}.ok', '.hidden', '.hidden.ok'],
    ['DONE', 'scan/a.h5', 'scan/DONE'],
    ['DONE', 'a.h5', 'DONE'],
    ['{dir}/DONE', 'x/scan/a.h5', 'x/scan/DONE'],
    ['{dir}/DONE', 'a.h5', 'DONE'],
    ['{dir}/ready/{name}', 'scan/a.h5', 'scan/ready/a.h5'],
    ['markers/{name}', 'scan/a.h5', 'markers/a.h5'],
    ['{name}.done', 'scan/$&{dir}', 'scan/$&{dir}.done'],
  ])('%s for %s is %s', (pattern, path, expected) => {
    expect(companionOf(pattern, Buffer.from(path)).toString()).toBe(expected);
  });

  it('keeps bytes that no text can show', () => {
    expect(companionOf('é{name}', Buffer.from([0xff]))).toEqual(Buffer.from([0xc3, 0xa9, 0xff]));
  });
});

describe('companionTest', () => {
  it.each([
    ['{name}.done', 'scan/a.h5.done', true],
    ['{name}.done', 'scan/a.h5', false],
    ['{dir}/DONE', 'scan/DONE', true],
    ['{dir}/[x]', 'scan/[x]', true],
    ['{dir}/[x]', 'scan/x', false],
  ])('%s, %s: %s', (pattern, path, expected) => {
    expect(companionTest(pattern)(Buffer.from(path))).toBe(expected);
  });
});

describe('companionProblem', () => {
  it.each(['{name}.done', '{dir}/DONE', 'markers/{stem}'])('%s can be used', (pattern) => {
    expect(companionProblem(pattern)).toBeNull();
  });

  it.each([
    ['{file}.done', '{file} is none of'],
    ['../{name}', 'plain relative'],
    ['/markers/{name}', 'plain relative'],
    ['a/{dir}/b', '{dir} stands at the beginning'],
    ['{dir}DONE', '{dir} stands at the beginning'],
    ['{name}', 'the file itself'],
  ])('%s cannot', (pattern, problem) => {
    expect(companionProblem(pattern)).toContain(problem);
  });
});
