import { describe, expect, it } from 'vitest';
import type { FaultKind } from '../../storage/index.js';
import { afterFault, backOffSeconds } from './retry-policy.js';

const fault = (kind: FaultKind) => ({ kind, code: 'EIO', message: 'input/output error' });

describe('afterFault', () => {
  it('tries a transient fault again with growing pauses, then asks for a person', () => {
    expect(afterFault(fault('transient'), 0, 3)).toMatchObject({ state: 'failed', attempts: 1, dueInSeconds: 1 });
    expect(afterFault(fault('transient'), 1, 3)).toMatchObject({ state: 'failed', attempts: 2, dueInSeconds: 2 });
    expect(afterFault(fault('transient'), 2, 3)).toMatchObject({
      state: 'quarantined',
      attempts: 3,
      reasonCode: 'EIO',
    });
  });

  it('does not try again what only a person can mend', () => {
    expect(afterFault(fault('permanent'), 0, 8)).toMatchObject({ state: 'quarantined' });
  });

  it.each(['no-space', 'unavailable'] as const)('waits for as long as it takes when it is %s, uncounted', (kind) => {
    const change = afterFault(fault(kind), 7, 8);
    expect(change).toMatchObject({ state: 'failed' });
    expect(change.attempts).toBeUndefined();
  });

  it('never pauses longer than a minute', () => {
    expect(backOffSeconds(50)).toBe(60);
  });
});
