import { pathToText } from '../../kernel/path-text.js';
import { type Acquisition, ENDED_STATUSES } from './acquisition.js';

/** Why it ended: by itself, on somebody's word, by its duration, or on a fault. */
export type EndReason = 'completed' | 'stopped' | 'duration' | 'failed';

/** Null while it goes on. */
export function endReasonOf({ kind, status, stoppedBy, stopAt, endedAt }: Acquisition): EndReason | null {
  if (!ENDED_STATUSES.includes(status)) {
    return null;
  }
  if (status === 'failed') {
    return 'failed';
  }
  if (kind === 'upload' && status === 'done') {
    return 'completed';
  }
  if (stoppedBy !== null || status === 'aborted') {
    return 'stopped';
  }
  return stopAt !== null && endedAt !== null && stopAt <= endedAt ? 'duration' : 'completed';
}

/** The file that was brought last, as the view and the event of the end tell it. */
export interface LastFile {
  path: string;
  doneAt: string;
}

export function lastFileOf(row: { path: Buffer; doneAt: Date } | undefined): LastFile | null {
  return row === undefined ? null : { path: pathToText(row.path), doneAt: row.doneAt.toISOString() };
}
