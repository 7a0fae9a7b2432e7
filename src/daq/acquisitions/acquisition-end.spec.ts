import { describe, expect, it } from 'vitest';
import { anAcquisition } from '../../../test/support/acquisition.js';
import { endReasonOf } from './acquisition-end.js';

const [before, end, after] = [9, 10, 11].map((hour) => new Date(Date.UTC(2026, 10, 21, hour)));

describe(endReasonOf, () => {
  it.each([
    [null, 'goes on', { status: 'finalizing', stoppedBy: 'ruth' }],
    ['completed', 'is an upload that is through', { status: 'done', endedAt: end }],
    ['failed', 'left files behind', { status: 'failed', endedAt: end }],
    ['failed', 'left files behind before a stop was heard', { status: 'failed', endedAt: end, stoppedBy: 'ruth' }],
    ['stopped', 'was stopped as an upload', { status: 'aborted', endedAt: end, stoppedBy: 'ruth' }],
    ['stopped', 'was stopped', { kind: 'monitor', status: 'done', endedAt: end, stoppedBy: 'ruth' }],
    [
      'stopped',
      'was stopped early',
      { kind: 'monitor', status: 'done', endedAt: end, stopAt: after, stoppedBy: 'ruth' },
    ],
    ['duration', 'came to its time', { kind: 'monitor', status: 'done', endedAt: end, stopAt: before }],
  ] as const)('is %s where it %s', (reason, _, facts) => {
    expect(endReasonOf(anAcquisition(facts))).toBe(reason);
  });
});
