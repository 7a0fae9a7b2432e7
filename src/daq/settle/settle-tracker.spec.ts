import { describe, expect, it } from 'vitest';
import type { SeenFile } from '../ledger/ledger-row.js';
import { SettleTracker } from './settle-tracker.js';

const aFile = (name: string, sizeBytes = 1n): SeenFile => ({
  sourcePath: Buffer.from(`/src/${name}`),
  destinationPath: Buffer.from(`data/${name}`),
  device: 1n,
  inode: 1n,
  sizeBytes,
  mtimeNs: 1n,
});

describe(SettleTracker.name, () => {
  it('holds a file back until it stood still for the quiet time', () => {
    const tracker = new SettleTracker(1000);
    tracker.observe('1', aFile('a'), 0);
    expect(tracker.due(999, 10)).toEqual([]);
    expect(tracker.due(1000, 10).map((due) => due.ledgerId)).toEqual(['1']);
  });

  it('starts the quiet time anew with each change, and only with a change', () => {
    const tracker = new SettleTracker(1000);
    tracker.observe('1', aFile('a', 1n), 0);
    tracker.observe('1', aFile('a', 2n), 900);
    tracker.observe('1', aFile('a', 2n), 1500);
    expect(tracker.due(1800, 10)).toEqual([]);
    expect(tracker.due(1900, 10)).toHaveLength(1);
  });

  it('tells names apart that differ in bytes which no text can show', () => {
    const tracker = new SettleTracker(0);
    const one = { ...aFile('x'), sourcePath: Buffer.from([0x2f, 0xff]) };
    const two = { ...aFile('x'), sourcePath: Buffer.from([0x2f, 0xfe]) };
    tracker.observe('1', one, 0);
    tracker.observe('2', two, 0);
    expect(tracker.size).toBe(2);
    tracker.forget(one.sourcePath);
    expect(tracker.all().map((left) => left.ledgerId)).toEqual(['2']);
  });

  it('hands out no more than asked for', () => {
    const tracker = new SettleTracker(0);
    ['a', 'b', 'c'].forEach((name, index) => tracker.observe(String(index), aFile(name), 0));
    expect(tracker.due(0, 2)).toHaveLength(2);
  });
});
