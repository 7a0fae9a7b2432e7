/** What a person asked for; kept as given. */
export interface AcquisitionOptions {
  /** Shell wildcards on the path relative to the data directory. */
  includePatterns: string[];
  excludePatterns: string[];
  processHidden: boolean;
  /** A monitor takes files that were there before it started, too. */
  processExisting: boolean;
  /** A monitor stops by itself after this many seconds. */
  durationSeconds: number | null;
  quietSeconds: number;
  /** Recorded with every file. */
  metadata: Record<string, unknown>;
  skipPlugins: string[];
  /** Started for every file that is done. */
  workflow: { owner: string; name: string; args: Record<string, unknown>; jobOwner: string } | null;
}

export type AcquisitionKind = 'monitor' | 'upload';

export const ACQUISITION_STATUSES = [
  'pending',
  'waiting-for-source',
  'running',
  'source-lost',
  'finalizing',
  'done',
  'failed',
  'aborting',
  'aborted',
] as const;

export type AcquisitionStatus = (typeof ACQUISITION_STATUSES)[number];

export const ENDED_STATUSES: readonly AcquisitionStatus[] = ['done', 'failed', 'aborted'];

export interface Finding {
  code: string;
  message: string;
}

/**
 * One run of the data acquisition service on one directory: an `upload` passes over it once, a `monitor` (a DAQ) keeps
 * watching it.
 */
export interface Acquisition {
  id: string;
  kind: AcquisitionKind;
  experimentId: number;
  status: AcquisitionStatus;
  sourceHost: string;
  sourceDirectory: Buffer;
  /** Number of the file system that it was on when it was last seen with files; null before. */
  sourceDevice: string | null;
  /** Relative to the experiment's directory: `data`, `data/scans`. */
  destinationDirectory: Buffer;
  options: AcquisitionOptions;
  startedBy: string;
  jobId: string | null;
  triggerDepth: number;
  /** Files that are there at the first look are left alone. */
  ignoresExisting: boolean;
  unchangedFiles: number;
  unchangedBytes: number;
  /** The first pass over the directory has been written into the ledger. */
  scanComplete: boolean;
  warnings: Finding[];
  errorMessage: string | null;
  createdAt: Date;
  startedAt: Date | null;
  /** When a monitor with a duration stops. */
  stopAt: Date | null;
  endedAt: Date | null;
}

/** Files of an acquisition by where they stand, from the ledger. `unchanged`: in storage already, left alone. */
export interface AcquisitionCounts {
  found: number;
  settling: number;
  queued: number;
  active: number;
  done: number;
  failed: number;
  quarantined: number;
  skipped: number;
  cancelled: number;
  unchanged: number;
  bytesDone: number;
  bytesTotal: number;
}

export function noCounts(): AcquisitionCounts {
  return {
    found: 0,
    settling: 0,
    queued: 0,
    active: 0,
    done: 0,
    failed: 0,
    quarantined: 0,
    skipped: 0,
    cancelled: 0,
    unchanged: 0,
    bytesDone: 0,
    bytesTotal: 0,
  };
}
