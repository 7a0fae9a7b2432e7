import type { FaultKind } from '../../storage/index.js';
import type { RowChange } from '../ledger/ledger-row.js';

/** First pause after a transient fault; doubles up to the longest. */
const FIRST_RETRY_SECONDS = 1;
const LONGEST_RETRY_SECONDS = 60;
/** A full or missing disk is looked at again at this pace for as long as it takes: nobody's fault, nothing is given up. */
const WAIT_FOR_PLACE_SECONDS = 10;

/** What a fault means for a row: tried again with growing pauses, waiting without limit, or in need of a person. */
export function afterFault(
  fault: { kind: FaultKind; code: string; message: string },
  attempts: number,
  maxAttempts: number,
): Omit<RowChange, 'id'> {
  const facts = { reasonCode: fault.code, reason: fault.message };
  if (fault.kind === 'no-space' || fault.kind === 'unavailable') {
    return { state: 'failed', ...facts, dueInSeconds: WAIT_FOR_PLACE_SECONDS };
  }
  const tried = attempts + 1;
  if (fault.kind === 'permanent' || tried >= maxAttempts) {
    return { state: 'quarantined', ...facts, attempts: tried };
  }
  return { state: 'failed', ...facts, attempts: tried, dueInSeconds: backOffSeconds(tried) };
}

export function backOffSeconds(attempts: number): number {
  return Math.min(FIRST_RETRY_SECONDS * 2 ** Math.max(0, attempts - 1), LONGEST_RETRY_SECONDS);
}
