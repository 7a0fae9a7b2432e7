import { describe, expect, it } from 'vitest';
import { type FileFacts, SettleTracker } from './settle-tracker.js';

const aFile = (sizeBytes = 1n): FileFacts => ({ inode: 1n, sizeBytes, mtimeNs: 1n });
const path = (name: string): Buffer => Buffer.from(name);
const namesOf = (due: { relativePath: Buffer }[]) => due.map((one) => one.relativePath.toString());

describe(SettleTracker.name, () => {
  it('holds a file back until it stood still for the quiet time', () => {
    const tracker = new SettleTracker(1000, 1000);
    tracker.observe('1', path('a'), aFile(), 0);
    expect(tracker.nextDueAt()).toBe(1000);
    expect(tracker.due(999, 10)).toEqual([]);
    expect(tracker.due(1000, 10).map((due) => due.ledgerId)).toEqual(['1']);
  });

  it('starts the quiet time anew with each change, and only with a change', () => {
    const tracker = new SettleTracker(1000, 1000);
    tracker.observe('1', path('a'), aFile(1n), 0);
    tracker.observe('1', path('a'), aFile(2n), 900);
    tracker.observe('1', path('a'), aFile(2n), 1500);
    expect(tracker.due(1800, 10)).toEqual([]);
    expect(tracker.due(1900, 10)).toHaveLength(1);
  });

  it('lets empty files wait longer, and those that fill as long as others', () => {
    const tracker = new SettleTracker(1000, 4000);
    tracker.observe('1', path('stays empty'), aFile(0n), 0);
    tracker.observe('2', path('fills'), aFile(0n), 0);
    tracker.observe('2', path('fills'), aFile(5n), 500);
    expect(namesOf(tracker.due(1500, 10))).toEqual(['fills']);
    expect(namesOf(tracker.due(4000, 10))).toEqual(['fills', 'stays empty']);
  });

  it('answers those first that are due first, whatever else waits', () => {
    const tracker = new SettleTracker(1000, 1000);
    ['a', 'b', 'c'].forEach((name, at) => tracker.observe(name, path(name), aFile(), at * 10));
    tracker.observe('a', path('a'), aFile(2n), 500);
    expect(namesOf(tracker.due(1100, 10))).toEqual(['b', 'c']);
  });

  it('looks again at a file that stood still and waits for something else', () => {
    const tracker = new SettleTracker(100, 100);
    tracker.observe('1', path('a'), aFile(), 0);
    const [due] = tracker.due(100, 1);
    tracker.wait(due ?? expect.fail(), 'its marker', 100);
    expect(tracker.due(200, 1)).toEqual([]);
    expect(tracker.due(1100, 1)).toMatchObject([{ waitsFor: 'its marker' }]);
    tracker.observe('1', path('a'), aFile(2n), 1100);
    expect(tracker.due(1200, 1)).toMatchObject([{ waitsFor: null }]);
  });

  it('tells names apart that differ in bytes which no text can show', () => {
    const tracker = new SettleTracker(0, 0);
    tracker.observe('1', Buffer.from([0xff]), aFile(), 0);
    tracker.observe('2', Buffer.from([0xfe]), aFile(), 0);
    expect(tracker.size).toBe(2);
    tracker.forget(Buffer.from([0xff]));
    expect(tracker.due(0, 10)).toMatchObject([{ ledgerId: '2', relativePath: Buffer.from([0xfe]) }]);
  });

  it('hands out no more than asked for', () => {
    const tracker = new SettleTracker(0, 0);
    ['a', 'b', 'c'].forEach((name, index) => tracker.observe(String(index), path(name), aFile(), 0));
    expect(tracker.due(0, 2)).toHaveLength(2);
  });

  it('keeps no more than its share, and asks for the rest when there is room', () => {
    const tracker = new SettleTracker(0, 0, 4);
    const observed = ['a', 'b', 'c', 'd', 'e'].map((name) => tracker.observe(name, path(name), aFile(), 0));
    expect(observed).toEqual([true, true, true, true, false]);
    expect([tracker.size, tracker.wantsMore]).toEqual([4, false]);
    ['a', 'b'].forEach((name) => tracker.forget(path(name)));
    expect(tracker.wantsMore).toBe(true);
    tracker.hasAll();
    expect(tracker.wantsMore).toBe(false);
  });
});
