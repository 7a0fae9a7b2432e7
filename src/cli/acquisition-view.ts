import type { AcquisitionAnswer, AcquisitionCounts, LedgerRow } from './api-types.js';
import type { CliContext } from './context.js';
import { formatBytes, formatCount, formatSpan, formatTime, formatWholeSeconds } from './format.js';
import type { Progress } from './progress-bar.js';
import { safeLine } from './safe-text.js';
import { type Column, facts } from './table.js';

const ENDED = new Set(['done', 'failed', 'aborted']);

export function isEnded({ status }: { status: string }): boolean {
  return ENDED.has(status);
}

export const ACQUISITION_COLUMNS: readonly Column<AcquisitionAnswer>[] = [
  { title: 'id', value: ({ id }) => id },
  { title: 'kind', value: ({ kind }) => kind },
  { title: 'status', value: ({ status }) => status },
  { title: 'experiment', value: ({ experiment }) => experiment },
  { title: 'done', value: ({ counts }) => formatCount(counts.done), align: 'right' },
  { title: 'found', value: ({ counts }) => formatCount(counts.found), align: 'right' },
  { title: 'trouble', value: ({ counts }) => formatCount(troubled(counts)), align: 'right' },
  { title: 'size', value: ({ counts }) => formatBytes(counts.bytesTotal), align: 'right' },
  { title: 'started', value: ({ startedAt }) => formatTime(startedAt) },
  { title: 'directory', value: ({ dataDirectory }) => dataDirectory },
];

export const LEDGER_COLUMNS: readonly Column<LedgerRow>[] = [
  { title: 'state', value: ({ state }) => state },
  { title: 'version', value: ({ version }) => version, align: 'right' },
  { title: 'size', value: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
  { title: 'attempts', value: ({ attempts }) => attempts, align: 'right' },
  { title: 'path', value: ({ path }) => path },
  { title: 'reason', value: ({ reason }) => reason },
];

/** Files that did not arrive, or not yet for a reason. */
export function troubled(counts: AcquisitionCounts): number {
  return counts.failed + counts.quarantined;
}

export function aboutAcquisition(acquisition: AcquisitionAnswer): string {
  const { counts } = acquisition;
  return facts([
    ['id', acquisition.id],
    ['kind', acquisition.kind],
    ['status', acquisition.status],
    ['experiment', acquisition.experiment],
    ['from', acquisition.dataDirectory],
    ['file system', fileSystemText(acquisition)],
    ['to', acquisition.destDirectory],
    ['started', [formatTime(acquisition.startedAt), `by ${acquisition.startedBy}`].join(' ')],
    ['stops by itself', formatTime(acquisition.stopAt)],
    ['ended', formatTime(acquisition.endedAt)],
    [
      'why it ended',
      acquisition.endReason === 'stopped'
        ? `stopped by ${acquisition.stoppedBy ?? 'the station'}`
        : acquisition.endReason,
    ],
    ['last file', acquisition.lastFile?.path],
    ['took', formatSpan(acquisition.startedAt, acquisition.endedAt)],
    ['files', countsSentence(counts)],
    ['not verified', (counts.unverified ?? 0) > 0 ? formatCount(counts.unverified ?? 0) : null],
    ['bytes', `${formatBytes(counts.bytesDone)} of ${formatBytes(counts.bytesTotal)}`],
    ['rate', rateText(acquisition)],
    ['time left', timeLeftText(acquisition)],
    ['error', acquisition.errorMessage],
    ['upload at its end', exitUploadText(acquisition)],
    ...acquisition.warnings.map((warning): [string, unknown] => ['warning', warning.message]),
  ]);
}

function fileSystemText({ fileSystem, usesEvents, kind }: Partial<AcquisitionAnswer>): string | null {
  if (fileSystem === null || fileSystem === undefined) {
    return null;
  }
  return kind === 'monitor' && usesEvents !== true ? `${fileSystem}, without file events` : fileSystem;
}

function rateText({ progress }: Partial<AcquisitionAnswer>): string | null {
  if (typeof progress?.bytesPerSecond !== 'number' || typeof progress.filesPerSecond !== 'number') {
    return null;
  }
  const { filesPerSecond, bytesPerSecond } = progress;
  const files = filesPerSecond < 10 ? filesPerSecond.toFixed(2) : formatCount(filesPerSecond);
  return `${files} files/s, ${formatBytes(bytesPerSecond)}/s`;
}

function timeLeftText({ progress }: Partial<AcquisitionAnswer>): string | null {
  return typeof progress?.remainingSeconds === 'number' ? formatWholeSeconds(progress.remainingSeconds) : null;
}

function exitUploadText({ exitUpload }: Partial<AcquisitionAnswer>): string | null {
  if (exitUpload === null || exitUpload === undefined) {
    return null;
  }
  return 'acquisitionId' in exitUpload ? exitUpload.acquisitionId : `could not start: ${exitUpload.errorMessage}`;
}

/** `1,204 found: 1,200 done, 3 settling, 1 quarantined`; what is zero is left out. */
export function countsSentence(counts: AcquisitionCounts): string {
  const parts = (
    ['done', 'unchanged', 'settling', 'queued', 'active', 'failed', 'quarantined', 'skipped', 'cancelled'] as const
  )
    .filter((state) => counts[state] > 0)
    .map((state) => `${formatCount(counts[state])} ${state}`);
  return `${formatCount(counts.found)} found${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

export function progressOf({ status, counts, percentageComplete }: AcquisitionAnswer): Progress {
  return {
    filesDone: counts.done + counts.unchanged + counts.skipped + counts.cancelled,
    filesTotal: counts.found + counts.unchanged,
    isTotalKnown: percentageComplete !== null,
    bytesDone: counts.bytesDone,
    bytesTotal: counts.bytesTotal,
    bytesLeft: counts.bytesTotal - counts.bytesDone - (counts.bytesQuarantined ?? 0),
    note: status === 'running' ? 'looking for files …' : `${status} …`,
  };
}

/** What the station found worth a warning before it started; people read it on stderr, machines in the document. */
export function remarkOnPreflight(context: CliContext, acquisition: AcquisitionAnswer): void {
  for (const finding of acquisition.preflight?.findings ?? []) {
    context.remark(`Warning: ${safeLine(finding.message)}`);
  }
}
