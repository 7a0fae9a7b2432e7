import { describe, expect, it } from 'vitest';
import { anAcquisitionAnswer } from '../../test/support/acquisition-answer.js';
import { progressOf } from './acquisition-view.js';

describe(progressOf, () => {
  it('counts what is in storage already on both sides, so that no upload is ever over 100 %', () => {
    const again = anAcquisitionAnswer({ counts: { found: 1, queued: 1, unchanged: 3000 } });
    expect(progressOf(again)).toMatchObject({ filesDone: 3000, filesTotal: 3001 });
  });
  it('knows the whole when the station does', () => {
    expect(progressOf(anAcquisitionAnswer({ percentageComplete: null })).isTotalKnown).toBe(false);
    expect(progressOf(anAcquisitionAnswer({ percentageComplete: 0 })).isTotalKnown).toBe(true);
  });
});
