import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { FILE_CATALOG, type FileCatalog } from './file-catalog.port.js';

/** Closes the catalog's connections after everything that uses them has stopped. */
@Injectable()
export class CatalogShutdown implements OnApplicationShutdown {
  constructor(@Inject(FILE_CATALOG) private readonly catalog: FileCatalog) {}

  async onApplicationShutdown(): Promise<void> {
    await this.catalog.close();
  }
}
