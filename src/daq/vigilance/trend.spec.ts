import { describe, expect, it } from 'vitest';
import { Trend } from './trend.js';

function aTrend(values: readonly number[], spanSeconds = 10) {
  const trend = new Trend(spanSeconds * 1000);
  values.forEach((value, at) => trend.add(at * 1000, value));
  return trend;
}

describe(Trend.name, () => {
  it.each([
    ['steadily up', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], true, false],
    ['up with a tremor', [0, 2, 1, 3, 2, 5, 4, 6, 8, 7, 9], true, false],
    ['up at one moment only', [0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9], false, false],
    ['up and down again', [0, 3, 6, 9, 9, 9, 9, 6, 3, 1, 0], false, false],
    ['level', [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5], false, false],
    ['steadily down', [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0], false, true],
    ['too little to say', [1, 2, 3], false, false],
  ])('%s', (_what, values, isRising, isFalling) => {
    const trend = aTrend(values);
    expect([trend.isRising, trend.isFalling]).toEqual([isRising, isFalling]);
  });

  it('looks over its span and no further', () => {
    const trend = aTrend([100, 50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20]);
    expect(trend.isFull).toBe(true);
    expect(trend.growth).toBe(20);
    expect(trend.perSecond).toBe(2);
    expect(aTrend([1, 2]).isFull).toBe(false);
  });

  it('keeps one sample from before a pause', () => {
    const trend = new Trend(10_000);
    trend.add(0, 1);
    trend.add(60_000, 7);
    expect(trend.isFull).toBe(true);
    expect(trend.perSecond).toBe(0.1);
  });
});
