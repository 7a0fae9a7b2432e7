import { Injectable } from '@nestjs/common';
import { CatalogService, type NewCatalogFile } from '../../catalog/index.js';
import { joinBytes } from '../../kernel/path-bytes.js';
import { pathToText } from '../../kernel/path-text.js';
import type { FilePlugin, PipelineFile, PluginOutcome } from './file-plugin.port.js';

/** Records a verified file in the catalog. The document's id is the row's, so repeating it changes nothing. */
@Injectable()
export class CatalogPlugin implements FilePlugin {
  readonly name = 'catalog';
  readonly order = 200;

  constructor(private readonly catalog: CatalogService) {}

  async process(files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    const byExperiment = Map.groupBy(files, (file) => file.experiment.id);
    for (const [experimentId, group] of byExperiment) {
      await this.catalog.recordFiles(experimentId, group.map(documentOf));
    }
    return files.map((file) => ({ kind: 'passed', ledgerId: file.row.id }));
  }
}

function documentOf(file: PipelineFile): NewCatalogFile {
  const { row, acquisition, experiment } = file;
  const storedAt = row.transferredAt ?? new Date();
  return {
    id: row.catalogId,
    path: pathToText(row.destinationPath),
    version: row.version ?? 1,
    sizeBytes: Number(row.sizeBytes),
    md5Sum: row.md5Sum,
    modifiedAt: new Date(Number(row.mtimeNs / 1_000_000n)),
    storedAt,
    acquisitionId: acquisition.id,
    jobId: acquisition.jobId,
    ledgerId: row.id,
    replicas: [
      {
        location: pathToText(joinBytes(experiment.directory, row.destinationPath)),
        proof: 'read-back',
        verifiedAt: storedAt.toISOString(),
      },
    ],
    metadata: acquisition.options.metadata,
  };
}
