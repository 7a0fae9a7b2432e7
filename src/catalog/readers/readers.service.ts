import { Injectable, Logger } from '@nestjs/common';
import { AccessService, type Principal } from '../../auth/index.js';
import { ExperimentsService } from '../../experiments/index.js';
import { directoryOf, joinBytes } from '../../kernel/path-bytes.js';
import { textToPath } from '../../kernel/path-text.js';
import { PRIMARY, requireInside } from '../../storage/index.js';
import { CatalogService } from '../catalog.service.js';
import { checkedSettings, type GivenSettings } from './definitions/check-settings.js';
import { isBuiltIn, type ReaderDefinition } from './definitions/reader-definition.js';
import { ReaderDefinitionRepository } from './definitions/reader-definition.repository.js';
import { ReaderDefinitions } from './definitions/reader-definitions.js';
import { IsolatedMetadataReaders } from './isolated-metadata-readers.js';
import type { ReaderFindings } from './metadata-readers.port.js';
import { noCopyHere, readerNotFound } from './reader.errors.js';

export interface ReaderTrial {
  experiment: string;
  /** Text form, relative to the experiment's directory. */
  path: string;
  version?: number | undefined;
  /** This reader, also when it is off or another one would come first; left out: the one that reads such files. */
  reader?: string | undefined;
}

/** Setting up metadata readers, and trying them. All of it takes `station.manage`: readers run with the station's rights. */
@Injectable()
export class ReadersService {
  private readonly logger = new Logger(ReadersService.name);

  constructor(
    private readonly access: AccessService,
    private readonly repository: ReaderDefinitionRepository,
    private readonly definitions: ReaderDefinitions,
    private readonly readers: IsolatedMetadataReaders,
    private readonly experiments: ExperimentsService,
    private readonly catalog: CatalogService,
  ) {}

  /** In the order in which they are asked. @throws StationError FORBIDDEN */
  async list(principal: Principal): Promise<ReaderDefinition[]> {
    await this.access.require(principal, 'station.manage');
    this.definitions.forget();
    return this.definitions.all();
  }

  /** @throws StationError READER_NOT_FOUND, FORBIDDEN */
  async get(principal: Principal, name: string): Promise<ReaderDefinition> {
    const found = (await this.list(principal)).find((reader) => reader.name === name);
    if (found === undefined) {
      throw readerNotFound(name);
    }
    return found;
  }

  /** @throws StationError READER_INVALID, FORBIDDEN */
  async put(principal: Principal, name: string, given: GivenSettings): Promise<ReaderDefinition> {
    await this.access.require(principal, 'station.manage');
    const stored = await this.repository.put(name, checkedSettings(name, given), principal.username);
    this.definitions.forget();
    this.logger.log({ reader: name, isEnabled: stored.isEnabled, by: principal.username }, 'metadata reader set');
    return stored;
  }

  /** Removes a custom reader; a built-in one gets its defaults back. @throws StationError READER_NOT_FOUND, FORBIDDEN */
  async remove(principal: Principal, name: string): Promise<void> {
    await this.access.require(principal, 'station.manage');
    if (!(await this.repository.delete(name)) && !isBuiltIn(name)) {
      throw readerNotFound(name);
    }
    this.definitions.forget();
    this.logger.log({ reader: name, by: principal.username }, 'metadata reader removed');
  }

  /**
   * What would be recorded of a file; nothing is.
   *
   * @throws StationError READER_NOT_FOUND, READER_FILE_NOT_HERE, CATALOG_FILE_NOT_FOUND, FORBIDDEN
   */
  async try(principal: Principal, trial: ReaderTrial, signal: AbortSignal): Promise<ReaderFindings> {
    const readers = await this.triedReaders(principal, trial.reader);
    const { id, storageDirectory } = await this.experiments.getByName(principal, trial.experiment);
    const file = await this.catalog.getByPath(principal, id, trial.path, trial.version);
    const directory = textToPath(storageDirectory);
    const path = locationOf(file.replicas) ?? joinBytes(directory, textToPath(file.path));
    // That the file itself is no link is looked at when it is opened.
    await requireInside(directory, directoryOf(path)).catch(() => {
      throw noCopyHere(file.path);
    });
    return this.readers.readWith(readers, path, file.path, signal);
  }

  private async triedReaders(principal: Principal, name: string | undefined): Promise<ReaderDefinition[]> {
    if (name === undefined) {
      return this.list(principal);
    }
    const reader = await this.get(principal, name);
    return [{ ...reader, isEnabled: true, ...(reader.isBuiltIn ? {} : { files: ['*'] }) }];
  }
}

/** Where the copy in the storage area is, as bytes of an absolute path. */
function locationOf(replicas: readonly { destination?: string; location: string }[]): Buffer | undefined {
  const replica = replicas.find(({ destination = PRIMARY }) => destination === PRIMARY);
  return replica?.location.startsWith('/') === true ? textToPath(replica.location) : undefined;
}
