import type { CatalogFile, FileStatistics, Metadata, NewCatalogFile } from './catalog-file.js';
import type { Filter } from './filter/filter-ast.js';
import type { FileSort } from './file-sort.js';

/** Injection token of the {@link FileCatalog} that the configuration chose. */
export const FILE_CATALOG = Symbol('FileCatalog');

export interface FileQuery {
  filter?: Filter | undefined;
  /** Default: newest first by `storedAt`. Ties are broken by id in the same direction, so that the order is total. */
  sort?: FileSort | undefined;
  /** Files on a page, 1-1000. */
  limit: number;
  /** `nextCursor` of the page before. */
  cursor?: string | undefined;
  /** Only files that no later version of the same path exists of; the filter applies to that latest version. */
  latestOnly?: boolean | undefined;
}

export interface FilePage {
  items: CatalogFile[];
  /** Null on the last page. Opaque; valid for the same sort only. */
  nextCursor: string | null;
}

export interface UpsertOptions {
  /** `keep` leaves versions that are known already as they are. Default `update`. */
  existing?: 'update' | 'keep';
}

export interface UpsertResult {
  inserted: number;
  /** Documents that changed; one that says the same already is not counted, and its revision stays. */
  updated: number;
  /** Id of each file's document, in the order of the call. */
  ids: string[];
}

/**
 * The file catalog of all experiments: one document per (experiment, path, version).
 *
 * Every adapter must hold to this:
 * - `upsertMany` is idempotent by (experiment, path, version): the same call twice changes nothing the second time, and
 *   calls may run at the same time in several processes. A known version keeps its id. Its metadata keeps the keys that
 *   it has (somebody may have edited them) and gains those that are new.
 * - After any sequence of completed writes the unfiltered statistics equal a full scan, exactly, whatever was killed
 *   in between.
 * - A query returns the same documents in the same order on every adapter: comparisons only match values of their own
 *   type, text orders by its UTF-8 bytes, an array matches when one of its elements does (filter/README in the module's
 *   README).
 * - Metadata comes back as it went in, apart from the rules of `normaliseMetadata`.
 * - Times have millisecond precision.
 * - Reads end within the query time limit, else `CATALOG_QUERY_TIMEOUT` (kind timeout).
 * - A server that does not answer is `CATALOG_UNAVAILABLE` or `DATABASE_UNAVAILABLE` (kind unavailable, retryable);
 *   nothing else is.
 */
export interface FileCatalog {
  /** @throws StationError EXPERIMENT_NOT_FOUND (PostgreSQL only: MongoDB cannot know). */
  upsertMany(experimentId: number, files: readonly NewCatalogFile[], options?: UpsertOptions): Promise<UpsertResult>;

  get(experimentId: number, id: string): Promise<CatalogFile | undefined>;

  /** The given version, else the latest. `path` in its canonical text form. */
  getByPath(experimentId: number, path: string, version?: number): Promise<CatalogFile | undefined>;

  /** @throws StationError CURSOR_INVALID, CATALOG_QUERY_TIMEOUT. */
  query(experimentId: number, query: FileQuery): Promise<FilePage>;

  /**
   * Replaces a document's metadata with what `change` makes of it, if the revision is still `expectedRevision` (left
   * out: whichever it is). `change` is pure and may be called again after another writer won.
   *
   * @throws StationError CATALOG_FILE_NOT_FOUND, CATALOG_FILE_CHANGED.
   */
  updateMetadata(
    experimentId: number,
    id: string,
    change: (metadata: Metadata) => Metadata,
    expectedRevision?: number,
  ): Promise<CatalogFile>;

  /** Removes the document (not the file). Whether there was one. */
  delete(experimentId: number, id: string): Promise<boolean>;

  /** Removes everything about an experiment. Doing it twice is fine. */
  deleteExperiment(experimentId: number): Promise<void>;

  /** Without a filter from counters, in constant time; with one computed. @throws StationError CATALOG_QUERY_TIMEOUT. */
  statistics(experimentId: number, filter?: Filter): Promise<FileStatistics>;

  /** Whether the last thing asked of the server was answered. */
  isAvailable(): boolean;

  /** Asks the server. @throws StationError (kind unavailable) when it does not answer. */
  ping(): Promise<void>;

  close(): Promise<void>;
}
