import { realpath } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { ExperimentsService } from '../../experiments/index.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { EventLog } from '../../platform/events/index.js';
import { ReplicaRepository, StorageArea } from '../../storage/index.js';
import { CopyOrderRepository } from './copy-order.repository.js';
import { DestinationAlarms } from './destination-alarms.js';

/** What every replicator works with. */
@Injectable()
export class ReplicationParts {
  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    readonly database: Database,
    readonly events: EventLog,
    readonly experiments: ExperimentsService,
    readonly orders: CopyOrderRepository,
    readonly replicas: ReplicaRepository,
    readonly alarms: DestinationAlarms,
    private readonly area: StorageArea,
  ) {}

  /** Whether the primary copies can be read now; the alarm that says they cannot is raised by others. */
  async isStorageAreaPresent(): Promise<boolean> {
    return (await this.area.absence()) === undefined;
  }

  /** A batch holds at most so much, as in the pipeline. */
  get limits(): { files: number; bytes: number } {
    return { files: this.config.daq.batchFiles, bytes: this.config.daq.batchBytes };
  }

  get maxAttempts(): number {
    return this.config.daq.maxAttempts;
  }

  /** The primary copies lie below it, links resolved. */
  sourceRoot(): Promise<Buffer> {
    return realpath(Buffer.from(this.config.storage.root), 'buffer');
  }
}
