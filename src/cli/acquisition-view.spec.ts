import { describe, expect, it } from 'vitest';
import { anAcquisitionAnswer } from '../../test/support/acquisition-answer.js';
import { aboutAcquisition, progressOf } from './acquisition-view.js';

describe(progressOf, () => {
  it('counts what is in storage already on both sides, so that no upload is ever over 100 %', () => {
    const again = anAcquisitionAnswer({ counts: { found: 1, queued: 1, unchanged: 3000 } });
    expect(progressOf(again)).toMatchObject({ filesDone: 3000, filesTotal: 3001 });
  });
  it('has nothing left to bring of what waits for a person', () => {
    const counts = { found: 2, done: 1, quarantined: 1, bytesDone: 10, bytesQuarantined: 30, bytesTotal: 40 };
    expect(progressOf(anAcquisitionAnswer({ counts })).bytesLeft).toBe(0);
  });
  it('knows the whole when the station does', () => {
    expect(progressOf(anAcquisitionAnswer({ percentageComplete: null })).isTotalKnown).toBe(false);
    expect(progressOf(anAcquisitionAnswer({ percentageComplete: 0 })).isTotalKnown).toBe(true);
  });
});

describe(aboutAcquisition, () => {
  it('tells the rate, and the time that is left where it is known', () => {
    const progress = { filesSettled: 1, filesFound: 2, filesPerSecond: 1200.4, bytesPerSecond: 2e6 };
    const running = anAcquisitionAnswer({ progress: { ...progress, remainingSeconds: 65 } });
    expect(aboutAcquisition(running)).toMatch(/^rate +1,200 files\/s, 2\.0 MB\/s$/m);
    expect(aboutAcquisition(running)).toMatch(/^time left +1 min 05 s$/m);
    const monitor = anAcquisitionAnswer({ progress: { ...progress, filesPerSecond: 0.25, remainingSeconds: null } });
    expect(aboutAcquisition(monitor)).toMatch(/^rate +0\.25 files\/s, 2\.0 MB\/s$/m);
    expect(aboutAcquisition(monitor)).not.toContain('time left');
    expect(aboutAcquisition(anAcquisitionAnswer())).not.toContain('rate');
  });
});
