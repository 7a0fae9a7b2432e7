import { Inject, Injectable } from '@nestjs/common';
import { Alarms } from '../../platform/alarms/index.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { EventLog } from '../../platform/events/index.js';
import { AcquisitionRepository } from '../acquisitions/acquisition.repository.js';
import { LedgerRepository } from '../ledger/ledger.repository.js';
import { BatchListeners } from '../pipeline/batch-listeners.js';
import { BatchOffers } from '../pipeline/batch-offers.js';
import { SOURCE_TREES, type SourceTrees } from '../source/source-tree.port.js';

/** What every runner of an acquisition works with. */
@Injectable()
export class RunnerParts {
  constructor(
    @Inject(CONFIG) readonly config: StationConfig,
    readonly database: Database,
    readonly events: EventLog,
    readonly alarms: Alarms,
    readonly acquisitions: AcquisitionRepository,
    readonly ledger: LedgerRepository,
    readonly offers: BatchOffers,
    readonly listeners: BatchListeners,
    @Inject(SOURCE_TREES) readonly sources: SourceTrees,
  ) {}
}
