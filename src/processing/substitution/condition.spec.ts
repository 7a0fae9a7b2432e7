import { describe, expect, it } from 'vitest';
import { parseCondition } from './condition.js';
import type { Lookup } from './command-rewriter.js';
import { variableFromText } from './variable.js';

function holds(condition: string, variables: Record<string, string> = {}): boolean {
  const lookup: Lookup = (name) => (name in variables ? variableFromText(variables[name] ?? '') : 'undeclared');
  return parseCondition(condition)(lookup);
}

describe('parseCondition', () => {
  it('reads the conditions of published definitions', () => {
    expect(holds('"mda" in "$filePath" and "$m" == "x"', { filePath: '/d/a.mda', m: 'x' })).toBe(true);
    expect(holds('not "mda" in "$filePath"', { filePath: '/d/a.h5' })).toBe(true);
    expect(holds('"$s" == "A" or "$s" == "B"', { s: 'B' })).toBe(true);
    expect(holds('"$count" == "$randomNumber"', { count: '3', randomNumber: '3' })).toBe(true);
    expect(holds('"$analysisMachine" != "polaris"')).toBe(true);
    expect(holds('\'mda\' not in "$filePath"', { filePath: 'a.mda' })).toBe(false);
  });

  it('compares numbers outside quotes as numbers', () => {
    expect(holds('$count >= 10', { count: '9' })).toBe(false);
    expect(holds('"$count" >= "10"', { count: '9' })).toBe(true);
    expect(holds('(True and not False) == True')).toBe(true);
  });

  it('takes a value with quotes and operators for a value', () => {
    expect(holds('"$x" == "safe"', { x: '" == "" or "safe' })).toBe(false);
    expect(holds('"$x" == "a$y"', { x: 'a$y', y: '$y' })).toBe(true);
  });

  it.each(['', '"a" ==', '"a" "b"', '("a" == "a"', 'a == b', '__import__("os")', '"a" == "b" or'])(
    'refuses %j with a reason',
    (condition) => {
      expect(() => parseCondition(condition)).toThrow(/cannot be used/);
    },
  );
});
