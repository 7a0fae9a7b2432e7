import type { FileIdentity } from '../../storage/index.js';

export const COPY_ORDER_STATES = ['waiting', 'copying', 'failed', 'quarantined'] as const;

/** `failed` is tried again at `dueAt`; `quarantined` needs a person. A copy that is made has a replica and no order. */
export type CopyOrderState = (typeof COPY_ORDER_STATES)[number];

/** An order that a replicator has claimed, with what it needs to know of the file version. Paths are bytes. */
export interface ClaimedOrder {
  ledgerId: string;
  experimentId: number;
  destinationPath: Buffer;
  version: number;
  sizeBytes: bigint;
  /** Null when the primary copy was taken without a digest. */
  md5Sum: string | null;
  attempts: number;
  /** Where the primary copy lies now, relative to the experiment's directory; null when there is none any more. */
  primaryLocation: Buffer | null;
  /** The newest older version that has a copy at the destination under the path's own name. */
  previous: { ledgerId: string; version: number } | null;
}

/** A claimed order whose primary copy was looked at. */
export interface ReadyOrder extends ClaimedOrder {
  /** Absolute. */
  primary: Buffer;
  identity: FileIdentity;
}

/** What becomes of a claimed order that did not end in a replica. */
export interface OrderChange {
  ledgerId: string;
  state: 'waiting' | 'failed' | 'quarantined';
  reasonCode: string;
  reason: string;
  attempts?: number;
  dueInSeconds?: number;
  foundMd5Sum?: string;
}

/** Orders of one destination by where they stand. */
export interface OrderCounts {
  destination: string;
  waitingFiles: number;
  waitingBytes: number;
  copyingFiles: number;
  failedFiles: number;
  quarantinedFiles: number;
  /** Age of the oldest order that is not in quarantine, in seconds. */
  oldestSeconds: number | null;
}

/** An order as people see it. */
export interface CopyOrderView {
  ledgerId: string;
  destination: string;
  state: CopyOrderState;
  attempts: number;
  dueAt: string;
  reasonCode: string | null;
  reason: string | null;
  foundMd5Sum: string | null;
  orderedAt: string;
}
