import { plainSettle, type SettleOptions } from '../settle/settle-options.js';

/** What a person asked for; kept as given. */
export interface AcquisitionOptions {
  /** Shell wildcards on the path relative to the data directory. */
  includePatterns: string[];
  excludePatterns: string[];
  /** Endings of names without the dot, in lower case; none means every name. */
  includeFileExtensions: string[];
  excludeFileExtensions: string[];
  /** Only these files, as paths in their text form, relative to the data directory; none means all. */
  onlyFiles: string[];
  processHidden: boolean;
  /** A monitor takes files that were there before it started, too. */
  processExisting: boolean;
  /** A monitor stops by itself after this many seconds. */
  durationSeconds: number | null;
  quietSeconds: number;
  /** What else has to be so for a file to be complete. */
  settle: SettleOptions;
  /** An alarm when nothing has come for so long while it runs. Null: the station's default; 0: never. */
  silenceAlarmSeconds: number | null;
  /** Recorded with every file. */
  metadata: Record<string, unknown>;
  skipPlugins: string[];
  /** Digested and recorded where it lies, never copied: proof `none`. */
  skipTransfer: boolean;
  /** Copied without digests: proof `size`, which never counts as verified. */
  skipChecksum: boolean;
  /** Files that are in storage already are copied, verified and cataloged again. */
  reprocessFiles: boolean;
  /** `directory`: nothing is cataloged before all of the directory is verified. */
  processingMode: 'files' | 'directory';
  /** A source file is removed once its copy justifies that; see source-removal.ts. */
  removeSourceFiles: boolean;
  /** An upload of this directory starts when the monitor ends; text form. */
  uploadDataDirectoryOnExit: string | null;
  /** Where that goes, below the data or the analysis directory, whichever takes the files of the monitor. */
  uploadDestDirectoryOnExit: string | null;
  /** Destinations beside the storage area that every file is copied to afterwards. */
  destinations: string[];
  /** Started for every file that is done. */
  workflow: { owner: string; name: string; args: Record<string, unknown>; jobOwner: string } | null;
}

/** What options mean that an older record does not hold yet. */
export const OPTIONS_LEFT_OUT = {
  settle: plainSettle(0, []),
  includeFileExtensions: [],
  excludeFileExtensions: [],
  onlyFiles: [],
  skipTransfer: false,
  skipChecksum: false,
  reprocessFiles: false,
  processingMode: 'files',
  removeSourceFiles: false,
  uploadDataDirectoryOnExit: null,
  uploadDestDirectoryOnExit: null,
  destinations: [],
  silenceAlarmSeconds: null,
} satisfies Partial<AcquisitionOptions>;

/** Options as recorded, with what an older record does not hold yet. */
export function completeOptions(recorded: Partial<AcquisitionOptions> & Pick<AcquisitionOptions, 'quietSeconds'>) {
  return { ...OPTIONS_LEFT_OUT, settle: plainSettle(recorded.quietSeconds, []), ...recorded } as AcquisitionOptions;
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
  /** Kind of that file system, `ext4`, `nfs4`; null before. */
  sourceFileSystem: string | null;
  /** What its clock said at the start, in ns; null where it could not be asked. */
  sourceClockNs: bigint | null;
  destinationDirectory: Buffer;
  options: AcquisitionOptions;
  startedBy: string;
  jobId: string | null;
  triggerDepth: number;
  /** The monitor at whose end this upload was asked for. */
  onExitOf: string | null;
  /** The ended acquisition whose work this one takes up again. */
  resumes: string | null;
  /** Who stopped it; null when it came to its end by itself. */
  stoppedBy: string | null;
  /** When it was taken off the list; it stays the record of where its files came from. */
  clearedAt: Date | null;
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
  /** What became of the upload that was asked for at the end of this monitor; null before, and where none was. */
  exitUpload: ExitUpload | null;
}

/** Either the upload that was started, or why none could be. */
export type ExitUpload = { acquisitionId: string } | { errorCode: string; errorMessage: string };

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
  /** Of those done: copied or recorded without the content being compared (proof `size` or `none`). */
  unverified: number;
  bytesDone: number;
  /** Of those that wait for a person. */
  bytesQuarantined: number;
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
    unverified: 0,
    bytesDone: 0,
    bytesQuarantined: 0,
    bytesTotal: 0,
  };
}
