import { describe, expect, it } from 'vitest';
import { parseExecutableOutput } from './executable-output.js';

describe(parseExecutableOutput.name, () => {
  it('reads lines of key and value', () => {
    const text = [
      '# made by read-header',
      'energy: 12.4',
      'sample : Ceramic A',
      'shutter: true',
      'run: 007',
      'url: http://x:80/y',
      '',
      'motor: 1',
      'motor: 2\r',
      'no colon here',
      ': no key',
      '__proto__: harmless',
      'id: 12345678901234567890',
      'huge: 1e999',
      'empty:',
    ].join('\n');
    const { metadata, ignoredLines } = parseExecutableOutput(text);
    expect(Object.entries(metadata)).toEqual([
      ['energy', 12.4],
      ['sample', 'Ceramic A'],
      ['shutter', true],
      ['run', '007'],
      ['url', 'http://x:80/y'],
      ['motor', [1, 2]],
      ['__proto__', 'harmless'],
      ['id', '12345678901234567890'],
      ['huge', '1e999'],
      ['empty', ''],
    ]);
    expect(ignoredLines).toBe(2);
  });

  it('reads one JSON object, as it is', () => {
    expect(parseExecutableOutput('\n {"energy": 12.4, "detector": {"distance": [1, 2]}}\n').metadata).toEqual({
      energy: 12.4,
      detector: { distance: [1, 2] },
    });
  });

  it('finds nothing in nothing', () => {
    expect(parseExecutableOutput(' \n')).toEqual({ metadata: {}, ignoredLines: 0 });
  });

  it.each([
    ['{"energy": 12.4', 'is none'],
    ['[1, 2]', 'one object'],
    [Array.from({ length: 10_001 }, (_, at) => `k${at}: 1`).join('\n'), 'more than 10000 keys'],
  ])('refuses %.20s with a reason', (text, reason) => {
    expect(() => parseExecutableOutput(text)).toThrow(reason);
  });
});
