import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileOutputPattern } from './output-pattern.js';
import { reversibleText, textToBytes } from './reversible-text.js';

function found(pattern: string, output: string | Buffer): Record<string, string> {
  const variables = compileOutputPattern(pattern).find(Buffer.from(output));
  return Object.fromEntries([...variables].map(([name, value]) => [name, value.text]));
}

describe('compileOutputPattern', () => {
  it('finds the first match anywhere, as a Python search does', () => {
    expect(found('count: (?P<n>\\d+)', 'noise\ncount: 12\ncount: 13\n')).toEqual({ n: '12' });
  });

  it('stops at the end of the line, as `.` does not match a line break', () => {
    expect(found('(?P<timeStamp>.*)', '20260515081246\nmore\n')).toEqual({ timeStamp: '20260515081246' });
  });

  it('lets `$` match before the last line break', () => {
    expect(found('(?P<last>.*)$', 'a\nb\n')).toEqual({ last: 'b' });
    expect(found('(?P<n>\\d+)\\Z', '12')).toEqual({ n: '12' });
    expect(found('(?P<n>[$]\\d)', 'a $5\n')).toEqual({ n: '$5' });
  });

  it('leaves out a group that took no part and answers nothing without a match', () => {
    expect(found('(?P<a>x)|(?P<b>y)', 'y')).toEqual({ b: 'y' });
    expect(found('(?P<a>x)', 'y')).toEqual({});
  });

  it('translates what Python spells differently', () => {
    expect(found('(?P<a>a{,2})(?#comment)\\u0062', 'aab')).toEqual({ a: 'aa' });
    expect(found('(?i)(?P<a>RESULT)', 'result')).toEqual({ a: 'result' });
  });

  it('captures the very bytes of a damaged file name', () => {
    const printed = Buffer.concat([Buffer.from('file: é'), Buffer.of(0xff, 0x80), Buffer.from('.h5\nok: ü\n')]);
    const value = compileOutputPattern('file: (?P<f>.+)\\n').find(printed).get('f');
    expect(value?.bytes).toEqual(Buffer.concat([Buffer.from('é'), Buffer.of(0xff, 0x80), Buffer.from('.h5')]));
    expect(value?.text).toBe('é\\xff\\x80.h5');
  });

  it.each([
    ['(?P<a>x)(?=y)', /look-around/],
    ['(?<!y)(?P<a>x)', /look-around/],
    ['(?P<a>x)(?P=a)', /references back/],
    ['(?P<a>x)\\1', /references back/],
    ['(?P<a>x)*+', /possessive/],
    ['(?x) (?P<a>x)', /verbose/],
    ['(?P<workflow>x)', /reserved/],
    ['(?P<a>x', /missing/],
    ['(?P<a>x)(?P<a>y)', /duplicate/],
  ])('refuses %s with a reason', (pattern, reason) => {
    expect(() => compileOutputPattern(pattern)).toThrow(reason);
  });

  it('takes linear time where backtracking would take for ever', () => {
    const started = performance.now();
    expect(found('(?P<a>(a*)*b)', 'a'.repeat(100_000))).toEqual({});
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('reversibleText', () => {
  it('turns back into the same bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(textToBytes(reversibleText(bytes))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});
