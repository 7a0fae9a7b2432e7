import { Module } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { AuthModule } from '../auth/index.js';
import { ExperimentsModule } from '../experiments/index.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { Database } from '../platform/database/index.js';
import { METRICS } from '../platform/metrics/index.js';
import { CatalogMetrics } from './catalog.metrics.js';
import { CatalogService } from './catalog.service.js';
import { CatalogShutdown } from './catalog-shutdown.js';
import { ExperimentRemoval } from './experiment-removal.js';
import { FILE_CATALOG, type FileCatalog } from './file-catalog.port.js';
import { FilesController } from './http/files.controller.js';
import { StatisticsController } from './http/statistics.controller.js';
import { MeteredFileCatalog } from './metered-file-catalog.js';
import { PostgresFileCatalog } from './postgres/postgres-file-catalog.js';
import { READER_CONTROLLERS, READER_PROVIDERS } from './readers/readers.providers.js';

@Module({
  imports: [AuthModule, ExperimentsModule],
  controllers: [FilesController, StatisticsController, ...READER_CONTROLLERS],
  providers: [
    { provide: FILE_CATALOG, useFactory: openCatalog, inject: [CONFIG, Database, METRICS] },
    CatalogService,
    CatalogShutdown,
    ExperimentRemoval,
    ...READER_PROVIDERS,
  ],
  exports: [CatalogService],
})
export class CatalogModule {}

async function openCatalog(config: StationConfig, database: Database, registry: Registry): Promise<FileCatalog> {
  return new MeteredFileCatalog(await adapterOf(config, database), new CatalogMetrics(registry));
}

/** MongoDB's driver is loaded where it is used only: with it every station would hold thirty megabytes more. */
async function adapterOf(config: StationConfig, database: Database): Promise<FileCatalog> {
  const { queryTimeLimitMs, mongoPoolSize } = config.catalog;
  if (config.mongo.url === undefined) {
    return new PostgresFileCatalog(database, { queryTimeLimitMs });
  }
  const { MongoFileCatalog } = await import('./mongo/mongo-file-catalog.js');
  return new MongoFileCatalog({ url: config.mongo.url, queryTimeLimitMs, poolSize: mongoPoolSize });
}
