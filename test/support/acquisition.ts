import { hostname } from 'node:os';
import type { Acquisition } from '../../src/daq/acquisitions/acquisition.js';
import { startAcquisitionBody } from '../../src/daq/acquisitions/acquisition.schema.js';
import { optionsOf } from '../../src/daq/acquisitions/requested-options.js';

/** A running acquisition (an upload unless it is said) that began with these options, with what a test is about. */
export function anAcquisition(
  facts: Partial<Omit<Acquisition, 'options'>> = {},
  options: Record<string, unknown> = {},
): Acquisition {
  const kind = facts.kind ?? 'upload';
  const body = startAcquisitionBody.parse({ kind, experiment: 'e1', dataDirectory: '/detector/e1', ...options });
  return {
    id: '5f0c2b1e-0b7a-4c7e-9d55-1d2f3a4b5c6d',
    kind,
    experimentId: 1,
    status: 'running',
    sourceHost: hostname(),
    sourceDirectory: Buffer.from('/detector/e1'),
    sourceDevice: null,
    sourceFileSystem: 'ext4',
    sourceClockNs: null,
    destinationDirectory: Buffer.from('data'),
    options: optionsOf(body, {
      username: 'ruth',
      daq: { quietSeconds: 5, temporaryNames: ['*.tmp'] },
      destinations: body.destinations ?? [],
    }),
    startedBy: 'ruth',
    jobId: null,
    triggerDepth: 0,
    onExitOf: null,
    resumes: null,
    stoppedBy: null,
    clearedAt: null,
    ignoresExisting: false,
    unchangedFiles: 0,
    unchangedBytes: 0,
    scanComplete: false,
    warnings: [],
    errorMessage: null,
    createdAt: new Date('2026-11-21T08:15:00Z'),
    startedAt: new Date('2026-11-21T08:15:01Z'),
    stopAt: null,
    endedAt: null,
    exitUpload: null,
    ...facts,
  };
}
