import { Inject, Injectable } from '@nestjs/common';
import { AccessService, type Principal } from '../auth/index.js';
import { fileExists, fileNotFound } from './catalog.errors.js';
import type { CatalogFile, FileStatistics, Metadata, NewCatalogFile } from './catalog-file.js';
import { canonicalPath } from './catalog-path.js';
import {
  FILE_CATALOG,
  type FileCatalog,
  type FilePage,
  type FileQuery,
  type UpsertResult,
} from './file-catalog.port.js';
import type { Filter } from './filter/filter-ast.js';
import { mergePatch } from './metadata/merge-patch.js';
import { normaliseMetadata } from './metadata/normalise-metadata.js';
import { streamFiles } from './stream-files.js';

const ID = /^[0-9a-f]{24}$/;

/**
 * The catalog as controllers and other modules use it. Every method with a principal asks the one authorization service
 * first; the catalog below is reached for one experiment at a time, so nothing of another one can appear. The station's
 * own work passes `SYSTEM_PRINCIPAL`.
 */
@Injectable()
export class CatalogService {
  constructor(
    @Inject(FILE_CATALOG) private readonly catalog: FileCatalog,
    private readonly access: AccessService,
  ) {}

  /**
   * Records what the station itself stored, in any number; idempotent (see the port). Without access check: for other
   * modules, never for a request.
   *
   * @throws StationError CATALOG_FILE_INVALID, CATALOG_METADATA_INVALID, EXPERIMENT_NOT_FOUND, or kind unavailable.
   */
  recordFiles(experimentId: number, files: readonly NewCatalogFile[]): Promise<UpsertResult> {
    return this.catalog.upsertMany(experimentId, files);
  }

  /** Whether the last thing asked of the catalog's server was answered; for health and for whoever decides to wait. */
  isAvailable(): boolean {
    return this.catalog.isAvailable();
  }

  /** @throws StationError (kind unavailable) when the catalog's server does not answer. */
  ping(): Promise<void> {
    return this.catalog.ping();
  }

  /** @throws StationError CATALOG_FILE_EXISTS when the version is there already. */
  async add(principal: Principal, experimentId: number, file: NewCatalogFile): Promise<CatalogFile> {
    await this.access.require(principal, 'file.write', { experimentId });
    const { inserted, ids } = await this.catalog.upsertMany(experimentId, [file], { existing: 'keep' });
    if (inserted === 0) {
      throw fileExists(file.path, file.version ?? 1);
    }
    return this.found(await this.catalog.get(experimentId, ids[0] ?? ''));
  }

  /** @throws StationError CATALOG_FILE_NOT_FOUND */
  async get(principal: Principal, experimentId: number, id: string): Promise<CatalogFile> {
    await this.access.require(principal, 'file.read', { experimentId });
    return this.found(ID.test(id) ? await this.catalog.get(experimentId, id) : undefined);
  }

  /** The given version, else the latest. @throws StationError CATALOG_FILE_NOT_FOUND, CATALOG_FILE_INVALID. */
  async getByPath(principal: Principal, experimentId: number, path: string, version?: number): Promise<CatalogFile> {
    await this.access.require(principal, 'file.read', { experimentId });
    return this.found(await this.catalog.getByPath(experimentId, canonicalPath(path), version));
  }

  /** @throws StationError CURSOR_INVALID, CATALOG_QUERY_TIMEOUT. */
  async query(principal: Principal, experimentId: number, query: FileQuery): Promise<FilePage> {
    await this.access.require(principal, 'file.read', { experimentId });
    return this.catalog.query(experimentId, query);
  }

  /** Every matching file, from `cursor` on. Access is decided once, when the stream begins. */
  async stream(
    principal: Principal,
    experimentId: number,
    query: Omit<FileQuery, 'limit'>,
  ): Promise<AsyncGenerator<CatalogFile>> {
    await this.access.require(principal, 'file.read', { experimentId });
    return streamFiles(this.catalog, experimentId, query);
  }

  /**
   * Merges a patch (RFC 7396) into the metadata.
   *
   * @throws StationError CATALOG_FILE_NOT_FOUND, CATALOG_FILE_CHANGED, CATALOG_METADATA_INVALID.
   */
  async update(
    principal: Principal,
    experimentId: number,
    id: string,
    patch: { metadata: Metadata },
    expectedRevision?: number,
  ): Promise<CatalogFile> {
    await this.access.require(principal, 'file.write', { experimentId });
    if (!ID.test(id)) {
      throw fileNotFound();
    }
    const change = (metadata: Metadata) => normaliseMetadata(mergePatch(metadata, patch.metadata));
    return this.catalog.updateMetadata(experimentId, id, change, expectedRevision);
  }

  /**
   * Removes the record; the file stays. A record that the station made belongs to a stored file, so only the station's
   * management may remove it.
   *
   * @throws StationError CATALOG_FILE_NOT_FOUND, FORBIDDEN
   */
  async delete(principal: Principal, experimentId: number, id: string): Promise<void> {
    await this.access.require(principal, 'file.write', { experimentId });
    const file = ID.test(id) ? await this.catalog.get(experimentId, id) : undefined;
    if (file !== undefined && file.ledgerId !== null) {
      await this.access.require(principal, 'station.manage');
    }
    if (!ID.test(id) || !(await this.catalog.delete(experimentId, id))) {
      throw fileNotFound();
    }
  }

  /** @throws StationError CATALOG_QUERY_TIMEOUT */
  async statistics(principal: Principal, experimentId: number, filter?: Filter): Promise<FileStatistics> {
    await this.access.require(principal, 'file.read', { experimentId });
    return this.catalog.statistics(experimentId, filter);
  }

  private found(file: CatalogFile | undefined): CatalogFile {
    if (file === undefined) {
      throw fileNotFound();
    }
    return file;
  }
}
