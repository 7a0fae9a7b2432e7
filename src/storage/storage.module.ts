import { Inject, Injectable, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { Destinations } from './destinations/destinations.js';
import { LocalTransferEngine } from './local/local-transfer-engine.js';
import { ReplicaRepository } from './replica.repository.js';
import { StorageArea } from './storage-area.js';
import { TRANSFER_ENGINE, type TransferEngine } from './transfer-engine.port.js';

@Injectable()
class StorageLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly area: StorageArea,
    @Inject(TRANSFER_ENGINE) private readonly engine: TransferEngine,
  ) {}

  onModuleInit(): Promise<void> {
    return this.area.initialize();
  }

  onApplicationShutdown(): Promise<void> {
    return this.engine.close();
  }
}

@Module({
  providers: [
    StorageArea,
    Destinations,
    ReplicaRepository,
    {
      provide: TRANSFER_ENGINE,
      useFactory: (config: StationConfig) => new LocalTransferEngine(config.storage.workers),
      inject: [CONFIG],
    },
    StorageLifecycle,
  ],
  exports: [StorageArea, Destinations, ReplicaRepository, TRANSFER_ENGINE],
})
export class StorageModule {}
