import { describe, expect, it } from 'vitest';
import { specFile } from './spec-file.js';

const options = {
  seed: 3,
  name: 'align.spec',
  user: 'ruth',
  startTime: new Date('2026-11-21T08:15:00Z'),
  sampleName: 'AgBeh',
  temperatureK: 293.5,
};

describe(specFile, () => {
  const text = specFile(options).toString('utf8');
  const scans = text.split(/^(?=#S )/m).slice(1);

  it('begins with the file header', () => {
    expect(text.split('\n').slice(0, 3)).toEqual(['#F align.spec', '#E 1795248900', '#D Sat Nov 21 08:15:00 2026']);
  });

  it('numbers its scans from one', () => {
    expect(scans.map((scan) => /^#S (\d+) /.exec(scan)?.[1])).toEqual(['1', '2', '3']);
  });

  it('has in each scan as many columns as labels, and as many rows as the command asks for', () => {
    for (const scan of scans) {
      const labels = /^#L (.*)$/m.exec(scan)?.[1]?.split('  ') ?? [];
      expect(Number(/^#N (\d+)$/m.exec(scan)?.[1])).toBe(labels.length);
      const rows = scan.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      expect(rows).toHaveLength(21);
      expect(rows.every((row) => row.split(' ').length === labels.length)).toBe(true);
    }
  });

  it('gives the same bytes for the same seed', () => {
    expect(specFile(options).equals(specFile(options))).toBe(true);
  });
});
