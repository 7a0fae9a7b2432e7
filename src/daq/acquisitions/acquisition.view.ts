import { pathToText } from '../../kernel/path-text.js';
import type { Rate } from '../pipeline/throughput.js';
import { isSharedFileSystem } from '../source/mount-info.js';
import {
  type Acquisition,
  type AcquisitionCounts,
  type AcquisitionKind,
  type AcquisitionOptions,
  type AcquisitionStatus,
  ENDED_STATUSES,
  type ExitUpload,
  type Finding,
  noCounts,
} from './acquisition.js';
import { type EndReason, endReasonOf, type LastFile } from './acquisition-end.js';
import { addressText, hostOf, locationOf } from './source-addresses.js';

/** An acquisition as the API shows it: names instead of ids, text instead of bytes, counts from the ledger. */
export interface AcquisitionView extends AcquisitionOptions {
  id: string;
  kind: AcquisitionKind;
  status: AcquisitionStatus;
  experiment: string;
  dataDirectory: string;
  /** Kind of the file system that it lies on, such as `ext4` or `nfs4`; null while it is not there. */
  fileSystem: string | null;
  /** Whether file events are used; a shared file system has none that can be relied on. */
  usesEvents: boolean;
  /** Relative to the experiment's directory. */
  destDirectory: string;
  startedBy: string;
  jobId: string | null;
  /** The monitor at whose end this upload started. */
  onExitOf: string | null;
  /** The ended acquisition whose work this one takes up again. */
  resumes: string | null;
  stoppedBy: string | null;
  /** Null while it goes on. */
  endReason: EndReason | null;
  /** Of an ended acquisition that is asked for by its id. */
  lastFile?: LastFile | null;
  progress: ProgressView;
  clearedAt: string | null;
  /** What became of the upload at the end of this monitor. */
  exitUpload: ExitUpload | null;
  counts: AcquisitionCounts;
  /** Share of its bytes that is safe, 0-100; null while more may be found, and of a monitor, which always may. */
  percentageComplete: number | null;
  createdAt: string;
  startedAt: string | null;
  stopAt: string | null;
  endedAt: string | null;
  errorMessage: string | null;
  warnings: Finding[];
}

export function viewOf(
  acquisition: Acquisition,
  experiment: string,
  counts: AcquisitionCounts | undefined,
  rate: Rate | null,
): AcquisitionView {
  const { skipTransfer, skipChecksum } = acquisition.options;
  const known = counts ?? noCounts();
  const shown = {
    ...known,
    unchanged: acquisition.unchangedFiles,
    unverified: skipTransfer || skipChecksum ? known.done : 0,
  };
  return {
    id: acquisition.id,
    kind: acquisition.kind,
    status: acquisition.status,
    experiment,
    dataDirectory: addressText(locationOf(acquisition)),
    fileSystem: acquisition.sourceFileSystem,
    usesEvents:
      acquisition.kind === 'monitor' &&
      hostOf(acquisition.sourceHost) === null &&
      acquisition.sourceFileSystem !== null &&
      !isSharedFileSystem(acquisition.sourceFileSystem),
    destDirectory: pathToText(acquisition.destinationDirectory),
    ...acquisition.options,
    startedBy: acquisition.startedBy,
    jobId: acquisition.jobId,
    onExitOf: acquisition.onExitOf,
    resumes: acquisition.resumes,
    stoppedBy: acquisition.stoppedBy,
    endReason: endReasonOf(acquisition),
    progress: progressOf(acquisition, shown, rate),
    clearedAt: acquisition.clearedAt?.toISOString() ?? null,
    exitUpload: acquisition.exitUpload,
    counts: shown,
    percentageComplete: percentage(acquisition, shown),
    createdAt: acquisition.createdAt.toISOString(),
    startedAt: acquisition.startedAt?.toISOString() ?? null,
    stopAt: acquisition.stopAt?.toISOString() ?? null,
    endedAt: acquisition.endedAt?.toISOString() ?? null,
    errorMessage: acquisition.errorMessage,
    warnings: acquisition.warnings,
  };
}

/**
 * What is at its end, which only grows: what is in quarantine may be released and is not counted. Rate and remaining time
 * are null when they are not known.
 */
export interface ProgressView {
  filesSettled: number;
  filesFound: number;
  filesPerSecond: number | null;
  bytesPerSecond: number | null;
  /** Of an upload that has seen its whole directory; what waits for a person is not waited for. */
  remainingSeconds: number | null;
}

function progressOf(acquisition: Acquisition, counts: AcquisitionCounts, rate: Rate | null): ProgressView {
  const isOver = ENDED_STATUSES.includes(acquisition.status);
  const left = counts.bytesTotal - counts.bytesDone - counts.bytesQuarantined;
  const isKnown = !isOver && acquisition.kind === 'upload' && acquisition.scanComplete && rate !== null;
  return {
    filesSettled: counts.done + counts.skipped + counts.cancelled,
    filesFound: counts.found,
    filesPerSecond: isOver ? null : (rate?.filesPerSecond ?? null),
    bytesPerSecond: isOver ? null : (rate?.bytesPerSecond ?? null),
    remainingSeconds: isKnown && rate.bytesPerSecond > 0 ? Math.ceil(left / rate.bytesPerSecond) : null,
  };
}

/** Known as long as nothing can take it back: not while files are looked for, grow, or are cancelled. */
function percentage(acquisition: Acquisition, counts: AcquisitionCounts): number | null {
  const { kind, scanComplete, status } = acquisition;
  if (kind === 'monitor' || !scanComplete || counts.settling > 0 || status === 'aborting' || status === 'aborted') {
    return null;
  }
  if (counts.bytesTotal > 0) {
    return Math.floor((counts.bytesDone / counts.bytesTotal) * 10_000) / 100;
  }
  return status === 'done' ? 100 : 0;
}
