import type { PipelineFile } from '../../src/daq/pipeline/file-plugin.port.js';

let number = 0;

/** A file that has been copied and verified, as a plug-in after the transfer gets it. */
export function aPipelineFile(
  path: string | Buffer,
  given: { row?: Partial<PipelineFile['row']>; directory?: string; acquisitionId?: string } = {},
): PipelineFile {
  number += 1;
  const destinationPath = Buffer.from(path);
  return {
    row: {
      id: String(number),
      priority: 2,
      experimentId: 1,
      acquisitionId: given.acquisitionId ?? 'a1',
      destinationPath,
      version: 1,
      sourceHost: 'here',
      sourcePath: Buffer.concat([Buffer.from('/detector/'), destinationPath]),
      inode: 1n,
      sizeBytes: 1n,
      mtimeNs: 0n,
      attempts: 0,
      finishedOrder: 200,
      md5Sum: 'd41d8cd98f00b204e9800998ecf8427e',
      catalogId: number.toString(16).padStart(24, '0'),
      transferredAt: new Date(),
      reprocesses: null,
      isCutOff: false,
      previous: null,
      hasOpenSibling: false,
      isDestinationFree: false,
      ...given.row,
    },
    experiment: { id: 1, name: 'exp', directory: Buffer.from(given.directory ?? '/storage/exp') },
    acquisition: {
      id: given.acquisitionId ?? 'a1',
      startedBy: 'admin',
      // What plug-ins look at; the others grow with each option that acquisitions get.
      options: { metadata: {}, skipPlugins: [], workflow: null } as unknown as PipelineFile['acquisition']['options'],
      sourceDirectory: Buffer.from('/detector'),
      sourceDevice: null,
      jobId: null,
      triggerDepth: 0,
      isAborting: false,
      sourceRoots: [],
    },
  };
}
