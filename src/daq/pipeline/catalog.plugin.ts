import { access } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { CatalogService, type NewCatalogFile } from '../../catalog/index.js';
import { StationError } from '../../kernel/errors.js';
import { joinBytes } from '../../kernel/path-bytes.js';
import { pathToText } from '../../kernel/path-text.js';
import type { Proof } from '../../storage/index.js';
import { locationOf, proofOf } from './file-location.js';
import type { FilePlugin, PipelineFile, PluginOutcome } from './file-plugin.port.js';
import { keptPath } from './kept-path.js';

/**
 * Records a verified file in the catalog. The document's id is the row's, so repeating it changes nothing. With a new
 * version the document of the version before learns where its content is kept now.
 */
@Injectable()
export class CatalogPlugin implements FilePlugin {
  readonly name = 'catalog';
  readonly order = 200;

  constructor(private readonly catalog: CatalogService) {}

  /** While the catalog's server is away each call takes its time to find out. */
  get isBrief(): boolean {
    return this.catalog.isAvailable();
  }

  async process(files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    const outcomes: PluginOutcome[] = [];
    for (const [experimentId, group] of Map.groupBy(files, (file) => file.experiment.id)) {
      outcomes.push(...(await this.record(experimentId, group)));
    }
    return outcomes;
  }

  /** A document that the catalog can never take must not hold up the others of its batch: it is found one by one. */
  private async record(experimentId: number, files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    try {
      await this.catalog.recordFiles(experimentId, (await Promise.all(files.map(documentsOf))).flat());
      return files.map((file) => ({ kind: 'passed', ledgerId: file.row.id }));
    } catch (error) {
      if (!(error instanceof StationError) || error.retryable) {
        throw error;
      }
      const [only] = files;
      if (files.length === 1 && only !== undefined) {
        return [refused(only, error)];
      }
      const outcomes: PluginOutcome[] = [];
      for (const file of files) {
        outcomes.push(...(await this.record(experimentId, [file])));
      }
      return outcomes;
    }
  }
}

function refused(file: PipelineFile, error: StationError): PluginOutcome {
  const reason = `The file is safe in storage, but the catalog refuses it: ${error.message}`;
  return {
    kind: 'stopped',
    ledgerId: file.row.id,
    change: { state: 'quarantined', reasonCode: error.code, reason },
  };
}

async function documentsOf(file: PipelineFile): Promise<NewCatalogFile[]> {
  const { row, acquisition } = file;
  const storedAt = row.transferredAt ?? new Date();
  const path = pathToText(row.destinationPath);
  if (row.reprocesses !== null && row.previous !== null) {
    return [again(file, row.previous)];
  }
  const document: NewCatalogFile = {
    id: row.catalogId,
    path,
    version: row.version ?? 1,
    sizeBytes: Number(row.sizeBytes),
    md5Sum: row.md5Sum,
    modifiedAt: modifiedAt(row.mtimeNs),
    storedAt,
    acquisitionId: acquisition.id,
    jobId: acquisition.jobId,
    ledgerId: row.id,
    replicas: [replica(locationOf(file), storedAt, proofOf(acquisition.options))],
    metadata: acquisition.options.metadata,
  };
  return row.previous === null || acquisition.options.skipTransfer
    ? [document]
    : [await movedAside(file, row.previous), document];
}

/** Content that was verified anew: the document of its version learns what this acquisition has to say besides. */
function again(
  file: PipelineFile,
  { id, version, sizeBytes, md5Sum, mtimeNs }: NonNullable<PipelineFile['row']['previous']>,
): NewCatalogFile {
  return {
    path: pathToText(file.row.destinationPath),
    version,
    sizeBytes: Number(sizeBytes),
    md5Sum,
    modifiedAt: modifiedAt(mtimeNs),
    ledgerId: id,
    replicas: [replica(locationOf(file), new Date(), 'read-back')],
    metadata: file.acquisition.options.metadata,
  };
}

async function movedAside(
  { row, experiment }: PipelineFile,
  previous: NonNullable<PipelineFile['row']['previous']>,
): Promise<NewCatalogFile> {
  const kept = joinBytes(experiment.directory, keptPath(row, previous.version));
  const isKept = await access(kept).then(
    () => true,
    () => false,
  );
  return {
    path: pathToText(row.destinationPath),
    version: previous.version,
    sizeBytes: Number(previous.sizeBytes),
    md5Sum: previous.md5Sum,
    modifiedAt: modifiedAt(previous.mtimeNs),
    ledgerId: previous.id,
    replicas: isKept ? [replica(kept, new Date(previous.storedAt), previous.proof ?? 'read-back')] : [],
  };
}

function replica(location: Buffer, verifiedAt: Date, proof: Proof) {
  return { location: pathToText(location), proof, verifiedAt: verifiedAt.toISOString() };
}

function modifiedAt(mtimeNs: bigint): Date {
  return new Date(Number(mtimeNs / 1_000_000n));
}
