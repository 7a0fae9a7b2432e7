import { pathToText } from '../../kernel/path-text.js';
import { isSharedFileSystem } from '../source/mount-info.js';
import {
  type Acquisition,
  type AcquisitionCounts,
  type AcquisitionKind,
  type AcquisitionOptions,
  type AcquisitionStatus,
  type ExitUpload,
  type Finding,
  noCounts,
} from './acquisition.js';
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
  /** What became of the upload at the end of this monitor. */
  exitUpload: ExitUpload | null;
  counts: AcquisitionCounts;
  /** Share of the bytes found so far that is safe, 0-100. */
  percentageComplete: number;
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

function percentage(acquisition: Acquisition, counts: AcquisitionCounts): number {
  if (counts.bytesTotal > 0) {
    return Math.floor((counts.bytesDone / counts.bytesTotal) * 10_000) / 100;
  }
  return acquisition.status === 'done' ? 100 : 0;
}
