import type { AcquisitionAnswer, AcquisitionCounts } from '../../src/cli/api-types.js';

const NO_COUNTS: AcquisitionCounts = {
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

/** A running upload as the station shows it, with what a test is about. */
export function anAcquisitionAnswer({
  counts,
  ...facts
}: Partial<Omit<AcquisitionAnswer, 'counts'>> & { counts?: Partial<AcquisitionCounts> } = {}): AcquisitionAnswer {
  return {
    id: '11',
    kind: 'upload',
    status: 'running',
    experiment: 'e1',
    dataDirectory: '/src',
    fileSystem: 'ext4',
    usesEvents: false,
    destDirectory: 'data',
    startedBy: 'ruth',
    createdAt: '2026-11-21T08:15:00Z',
    startedAt: '2026-11-21T08:15:00Z',
    endedAt: null,
    errorMessage: null,
    stopAt: null,
    stoppedBy: null,
    endReason: null,
    resumes: null,
    progress: { filesSettled: 0, filesFound: 0, filesPerSecond: null, bytesPerSecond: null, remainingSeconds: null },
    percentageComplete: null,
    exitUpload: null,
    warnings: [],
    ...facts,
    counts: { ...NO_COUNTS, ...counts },
  };
}
