import { Injectable } from '@nestjs/common';
import { CatalogService, type NewCatalogFile } from '../../catalog/index.js';
import { StationError } from '../../kernel/errors.js';
import { pathToText } from '../../kernel/path-text.js';
import type { PipelineFile } from '../pipeline/file-plugin.port.js';

export interface FileMetadata {
  file: PipelineFile;
  metadata: Record<string, unknown>;
}

/** Why a file's metadata can never be taken. */
export type Refusal = Pick<StationError, 'code' | 'message'>;

/**
 * Adds what plug-ins found out to the catalog documents of their files. Keys that a document has already keep their
 * value: what a person wrote counts more. Repeating it changes nothing.
 */
@Injectable()
export class FileMetadataRecorder {
  constructor(private readonly catalog: CatalogService) {}

  /**
   * @returns for each file whose metadata can never be taken, why.
   * @throws StationError (kind unavailable) while the catalog is down.
   */
  async record(found: readonly FileMetadata[]): Promise<Map<string, Refusal>> {
    const refusals = new Map<string, Refusal>();
    for (const [experimentId, group] of Map.groupBy(found, ({ file }) => file.experiment.id)) {
      await this.recordGroup(experimentId, group, refusals);
    }
    return refusals;
  }

  /** One file that is refused must not hold up the others: it is found one by one. */
  private async recordGroup(
    experimentId: number,
    group: readonly FileMetadata[],
    refusals: Map<string, Refusal>,
  ): Promise<void> {
    try {
      await this.catalog.recordFiles(experimentId, group.map(documentOf));
    } catch (error) {
      if (!(error instanceof StationError) || error.retryable) {
        throw error;
      }
      const [only] = group;
      if (group.length === 1 && only !== undefined) {
        refusals.set(only.file.row.id, error);
        return;
      }
      for (const one of group) {
        await this.recordGroup(experimentId, [one], refusals);
      }
    }
  }
}

function documentOf({ file: { row }, metadata }: FileMetadata): NewCatalogFile {
  return {
    id: row.catalogId,
    path: pathToText(row.destinationPath),
    version: row.version ?? 1,
    sizeBytes: Number(row.sizeBytes),
    modifiedAt: new Date(Number(row.mtimeNs / 1_000_000n)),
    metadata,
  };
}
