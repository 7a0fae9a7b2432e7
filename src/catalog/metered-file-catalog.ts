import { StationError } from '../kernel/errors.js';
import type { CatalogMetrics } from './catalog.metrics.js';
import type { CatalogFile, FileStatistics, Metadata, NewCatalogFile } from './catalog-file.js';
import type { FileCatalog, FilePage, FileQuery, UpsertOptions, UpsertResult } from './file-catalog.port.js';
import type { Filter } from './filter/filter-ast.js';

/** Measures any catalog; wrapped around the adapter in the module file. */
export class MeteredFileCatalog implements FileCatalog {
  constructor(
    private readonly inner: FileCatalog,
    private readonly metrics: CatalogMetrics,
  ) {}

  async upsertMany(
    experimentId: number,
    files: readonly NewCatalogFile[],
    options?: UpsertOptions,
  ): Promise<UpsertResult> {
    const result = await this.timed('upsertMany', () => this.inner.upsertMany(experimentId, files, options));
    this.metrics.writtenFiles.inc({ result: 'inserted' }, result.inserted);
    this.metrics.writtenFiles.inc({ result: 'updated' }, result.updated);
    this.metrics.writtenFiles.inc({ result: 'unchanged' }, files.length - result.inserted - result.updated);
    return result;
  }

  get(experimentId: number, id: string): Promise<CatalogFile | undefined> {
    return this.timed('get', () => this.inner.get(experimentId, id));
  }

  getByPath(experimentId: number, path: string, version?: number): Promise<CatalogFile | undefined> {
    return this.timed('getByPath', () => this.inner.getByPath(experimentId, path, version));
  }

  query(experimentId: number, query: FileQuery): Promise<FilePage> {
    return this.timed('query', () => this.inner.query(experimentId, query));
  }

  updateMetadata(
    experimentId: number,
    id: string,
    change: (metadata: Metadata) => Metadata,
    expectedRevision?: number,
  ): Promise<CatalogFile> {
    return this.timed('updateMetadata', () => this.inner.updateMetadata(experimentId, id, change, expectedRevision));
  }

  delete(experimentId: number, id: string): Promise<boolean> {
    return this.timed('delete', () => this.inner.delete(experimentId, id));
  }

  deleteExperiment(experimentId: number): Promise<void> {
    return this.timed('deleteExperiment', () => this.inner.deleteExperiment(experimentId));
  }

  statistics(experimentId: number, filter?: Filter): Promise<FileStatistics> {
    return this.timed(filter === undefined ? 'countedStatistics' : 'filteredStatistics', () =>
      this.inner.statistics(experimentId, filter),
    );
  }

  isAvailable(): boolean {
    return this.inner.isAvailable();
  }

  ping(): Promise<void> {
    return this.inner.ping();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private async timed<T>(operation: string, run: () => Promise<T>): Promise<T> {
    const stop = this.metrics.operationSeconds.startTimer({ operation });
    try {
      const result = await run();
      stop({ outcome: 'ok' });
      return result;
    } catch (error) {
      stop({ outcome: error instanceof StationError ? error.kind : 'internal' });
      throw error;
    }
  }
}
