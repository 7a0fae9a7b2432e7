import type { NewEvent } from '../../platform/events/index.js';
import type { NewReplica } from '../../storage/index.js';
import type { ClaimedRow, RowChange } from '../ledger/ledger-row.js';

/** What is to be written down of one claimed file after one or several steps. */
export interface FileOutcome {
  row: OutcomeRow;
  change: RowChange;
  /** The worker goes on with the row. */
  keepsClaim: boolean;
  replicas: NewReplica[];
  displaced: Displacement[];
  /** The version that this row's source holds as well. */
  otherSourceOf: string | null;
  events: NewEvent[];
}

/** Where the content of an older version lies now, relative to the experiment's directory; null: it is gone. */
export interface Displacement {
  ledgerId: string;
  to: Buffer | null;
}

export type OutcomeRow = Pick<
  ClaimedRow,
  'id' | 'experimentId' | 'acquisitionId' | 'sourceHost' | 'sourcePath' | 'inode' | 'sizeBytes' | 'mtimeNs'
>;
