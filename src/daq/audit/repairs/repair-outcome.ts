import type { Transaction } from '../../../platform/database/index.js';
import type { Audit } from '../audit.js';
import type { Finding } from '../finding.js';

/** What a repair works on. */
export interface RepairScene {
  finding: Finding;
  audit: Audit;
  experiment: { id: number; name: string; directory: Buffer };
}

/**
 * What became of a repair. `obsolete`: there was nothing to repair any more. `write`: goes into one transaction with the
 * finding's own record.
 */
export interface RepairOutcome {
  state: 'repaired' | 'obsolete' | 'failed';
  note: string;
  write?: (tx: Transaction) => Promise<void>;
}
