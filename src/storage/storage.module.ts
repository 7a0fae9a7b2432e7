import { Injectable, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Destinations } from './destinations/destinations.js';
import { RemoteHosts } from './hosts/remote-hosts.js';
import { ReplicaRepository } from './replica.repository.js';
import { StorageArea } from './storage-area.js';
import { TRANSFER_ENGINE } from './transfer-engine.port.js';
import { TransferEngines } from './transfer-engines.js';
import { TransferMetrics } from './transfer.metrics.js';

@Injectable()
class StorageLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly area: StorageArea,
    private readonly engines: TransferEngines,
  ) {}

  onModuleInit(): Promise<void> {
    return this.area.initialize();
  }

  onApplicationShutdown(): Promise<void> {
    return this.engines.close();
  }
}

@Module({
  providers: [
    StorageArea,
    Destinations,
    ReplicaRepository,
    RemoteHosts,
    TransferMetrics,
    TransferEngines,
    {
      provide: TRANSFER_ENGINE,
      useFactory: (engines: TransferEngines) => engines.local,
      inject: [TransferEngines],
    },
    StorageLifecycle,
  ],
  exports: [StorageArea, Destinations, ReplicaRepository, RemoteHosts, TransferEngines, TRANSFER_ENGINE],
})
export class StorageModule {}
