import { Inject, Injectable, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { permissionsOf } from './area-permissions.js';
import { AreaRights } from './area-rights.js';
import { Destinations } from './destinations/destinations.js';
import { RemoteHosts } from './hosts/remote-hosts.js';
import { ReplicaRepository } from './replica.repository.js';
import { requirePermissions, resolvePermissions } from './resolved-permissions.js';
import { StorageArea } from './storage-area.js';
import { TRANSFER_ENGINE } from './transfer-engine.port.js';
import { TransferEngines } from './transfer-engines.js';
import { TransferMetrics } from './transfer.metrics.js';

@Injectable()
class StorageLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly area: StorageArea,
    private readonly engines: TransferEngines,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.area.initialize();
    // One that is not mounted now is waited for; what is refused then fails the files, with the same words.
    if ((await this.area.absence()) === undefined) {
      const permissions = permissionsOf(this.config.storage);
      await requirePermissions(this.area.root, permissions, resolvePermissions(permissions));
    }
  }

  onApplicationShutdown(): Promise<void> {
    return this.engines.close();
  }
}

@Module({
  providers: [
    StorageArea,
    AreaRights,
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
  exports: [StorageArea, AreaRights, Destinations, ReplicaRepository, RemoteHosts, TransferEngines, TRANSFER_ENGINE],
})
export class StorageModule {}
