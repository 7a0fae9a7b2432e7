import { type DynamicModule, Module } from '@nestjs/common';
import { AuthModule } from './auth/index.js';
import { CatalogModule } from './catalog/index.js';
import { DaqModule } from './daq/index.js';
import { ExperimentsModule } from './experiments/index.js';
import { MonitoringModule } from './monitoring/index.js';
import { loggingModule } from './platform/logging/index.js';
import { PlatformModule, type PlatformParts } from './platform/platform.module.js';
import { ProcessingModule } from './processing/index.js';
import { StorageModule } from './storage/index.js';

/** The whole station. */
@Module({})
export class AppModule {
  static with(parts: PlatformParts): DynamicModule {
    return {
      module: AppModule,
      imports: [
        loggingModule(parts.config.log),
        PlatformModule.with(parts),
        AuthModule,
        ExperimentsModule,
        StorageModule,
        CatalogModule,
        DaqModule,
        ProcessingModule,
        MonitoringModule,
      ],
    };
  }
}
