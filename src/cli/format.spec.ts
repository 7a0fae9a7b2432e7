import { describe, expect, it } from 'vitest';
import { formatBytes, formatSeconds, formatSpan, formatTime, plural } from './format.js';

describe(formatBytes, () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1_234_567, '1.2 MB'],
    [999_600, '1.0 MB'],
    [123_456_789, '123 MB'],
    [6 * 2 ** 30, '6.4 GB'],
    [2 ** 53, '9.0 PB'],
  ])('writes %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe(formatSeconds, () => {
  it.each([
    [0.25, '0.25 s'],
    [42.04, '42.0 s'],
    [65, '1 min 05 s'],
    [7384, '2 h 03 min'],
  ])('writes %d as %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});

describe(formatTime, () => {
  it('is empty for a time that has not come', () => {
    expect(formatTime(null)).toBe('');
  });
  it('shows the second in the time zone of the reader', () => {
    const local = new Date(2026, 10, 21, 8, 15, 7);
    expect(formatTime(local.toISOString())).toBe('2026-11-21 08:15:07');
  });
});

describe(formatSpan, () => {
  it('is empty while the end is still to come', () => {
    expect(formatSpan('2026-11-21T08:15:00Z', null)).toBe('');
  });
  it('is the time between', () => {
    expect(formatSpan('2026-11-21T08:15:00Z', '2026-11-21T08:15:01.5Z')).toBe('1.50 s');
  });
});

describe(plural, () => {
  it('counts in English', () => {
    expect([plural(0, 'file'), plural(1, 'file'), plural(1204, 'file')]).toEqual(['0 files', '1 file', '1,204 files']);
  });
});
