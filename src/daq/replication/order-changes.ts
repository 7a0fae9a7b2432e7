import { driverCode, messageOf, StationError } from '../../kernel/errors.js';
import { type FaultKind, faultOfCode, type TransferOutcome } from '../../storage/index.js';
import { afterFault } from '../pipeline/retry-policy.js';
import type { ClaimedOrder, OrderChange } from './copy-order.js';

/** Why a copy was not made. */
export interface CopyFault {
  kind: FaultKind;
  code: string;
  message: string;
}

/** What a call that broke off as a whole means for the orders in it. */
export function faultOfBatch(error: unknown): CopyFault {
  const fault = faultOfCode(driverCode(error) ?? 'COPY_BROKE_OFF', messageOf(error));
  if (!(error instanceof StationError)) {
    return fault;
  }
  if (error.code === 'HOST_UNREACHABLE') {
    // It went away after it had been looked at: waited for, as one that is absent from the start.
    return { ...fault, kind: 'no-space' };
  }
  return { ...fault, kind: error.retryable ? fault.kind : 'permanent' };
}

/** What becomes of the orders of one destination that did not end in a replica. Pure. */
export class OrderChanges {
  constructor(
    private readonly destination: string,
    private readonly maxAttempts: number,
  ) {}

  /** `primaryMd5Sum`: what a primary copy holds that is not what was expected, if that could be read. */
  of(order: ClaimedOrder, outcome: TransferOutcome | undefined, primaryMd5Sum?: string): OrderChange {
    switch (outcome?.status) {
      case 'changed':
        return {
          ...this.primaryTrouble(order, outcome.detail),
          ...(primaryMd5Sum === undefined || primaryMd5Sum === order.md5Sum ? {} : { foundMd5Sum: primaryMd5Sum }),
        };
      case 'vanished':
        return this.primaryTrouble(order, 'it is gone');
      case 'occupied':
        return {
          ledgerId: order.ledgerId,
          state: 'quarantined',
          reasonCode: 'destination-occupied',
          reason: `A file that the station did not write stands there at ${this.destination}, with other content. Move it away, then: dm destination retry ${this.destination}`,
          foundMd5Sum: outcome.foundMd5Sum,
        };
      case 'corrupt':
        return {
          ...this.afterFault(order, {
            kind: 'transient',
            code: 'corrupt-copy',
            message: 'The copy that was read back differs from the primary copy; it was thrown away.',
          }),
          foundMd5Sum: outcome.foundMd5Sum,
        };
      case 'failed':
        return this.afterFault(order, outcome);
      default:
        return this.afterFault(order, {
          kind: 'transient',
          code: 'NO_OUTCOME',
          message: 'The transfer engine did not say what became of the file.',
        });
    }
  }

  /** A newer version may just be taking the place of the primary copy: the next look finds where it lies now. */
  primaryTrouble(order: ClaimedOrder, reason: string): OrderChange {
    return this.afterFault(order, {
      kind: 'transient',
      code: 'primary-copy',
      message: `The primary copy cannot be copied on: ${reason}. If it stays so, run: dm audit start`,
    });
  }

  afterFault(order: ClaimedOrder, fault: CopyFault): OrderChange {
    const change = afterFault(fault, order.attempts, this.maxAttempts);
    return {
      ledgerId: order.ledgerId,
      state: change.state === 'quarantined' ? 'quarantined' : 'failed',
      reasonCode: fault.code,
      reason: fault.message,
      ...(change.attempts === undefined ? {} : { attempts: change.attempts }),
      ...(change.dueInSeconds === undefined ? {} : { dueInSeconds: change.dueInSeconds }),
    };
  }
}
