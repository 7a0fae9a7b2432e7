import { describe, expect, it } from 'vitest';
import { anAcquisition } from '../../../test/support/acquisition.js';
import { type AcquisitionCounts, noCounts } from './acquisition.js';
import { viewOf } from './acquisition.view.js';

const half: Partial<AcquisitionCounts> = { found: 2, done: 1, queued: 1, bytesDone: 500, bytesTotal: 1000 };

describe('percentageComplete', () => {
  const percentage = (facts: Parameters<typeof anAcquisition>[0], counts: Partial<AcquisitionCounts>) =>
    viewOf(anAcquisition(facts), 'e1', { ...noCounts(), ...counts }, null).percentageComplete;

  it('is the share of the bytes that is safe, once an upload knows all of them', () => {
    expect(percentage({ scanComplete: true }, half)).toBe(50);
  });
  it('is not known while the directory is looked through, since more would take it back', () => {
    expect(percentage({ scanComplete: false }, half)).toBeNull();
  });
  it('is not known while a file still changes, which may grow', () => {
    expect(percentage({ scanComplete: true }, { ...half, queued: 0, settling: 1 })).toBeNull();
  });
  it('is not known of an upload that is stopped: what it leaves is no part of it any more', () => {
    const cancelled = { ...half, queued: 0, cancelled: 1, bytesTotal: 500 };
    expect(percentage({ scanComplete: true, status: 'aborting' }, cancelled)).toBeNull();
    expect(percentage({ scanComplete: true, status: 'aborted' }, cancelled)).toBeNull();
  });
  it('is never known of a monitor, not even at its end', () => {
    expect(percentage({ kind: 'monitor', scanComplete: true }, half)).toBeNull();
    expect(percentage({ kind: 'monitor', scanComplete: true, status: 'done' }, half)).toBeNull();
  });
  it('is 100 of an upload that found nothing to bring', () => {
    expect(percentage({ scanComplete: true, status: 'done' }, {})).toBe(100);
    expect(percentage({ scanComplete: true }, {})).toBe(0);
  });
});

describe('remainingSeconds', () => {
  const rate = { filesPerSecond: 1, bytesPerSecond: 100 };
  const remaining = (facts: Parameters<typeof anAcquisition>[0], counts = half, known: typeof rate | null = rate) =>
    viewOf(anAcquisition(facts), 'e1', { ...noCounts(), ...counts }, known).progress.remainingSeconds;

  it('is what is left at the rate of late', () => {
    expect(remaining({ scanComplete: true })).toBe(5);
  });
  it('leaves out what waits for a person, which no rate brings', () => {
    const stuck = { ...half, quarantined: 1, bytesQuarantined: 9000, bytesTotal: 10_000 };
    expect(remaining({ scanComplete: true }, stuck)).toBe(5);
  });
  it.each([
    ['of a monitor', { kind: 'monitor' as const, scanComplete: true }, rate],
    ['while files are looked for', { scanComplete: false }, rate],
    ['without a rate', { scanComplete: true }, null],
    ['at the end', { scanComplete: true, status: 'done' as const }, rate],
  ])('is not known %s', (_, facts, known) => {
    expect(remaining(facts, half, known)).toBeNull();
  });
});
