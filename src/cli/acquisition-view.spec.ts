import { describe, expect, it } from 'vitest';
import { anAcquisitionAnswer } from '../../test/support/acquisition-answer.js';
import { progressOf } from './acquisition-view.js';

describe(progressOf, () => {
  it('counts what is in storage already on both sides, so that no upload is ever over 100 %', () => {
    const again = anAcquisitionAnswer({ counts: { found: 1, queued: 1, unchanged: 3000 } });
    expect(progressOf(again)).toMatchObject({ filesDone: 3000, filesTotal: 3001 });
  });
});
