import { Injectable, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { Database } from '../../platform/database/index.js';
import { EventLog, type StationEvent } from '../../platform/events/index.js';
import { AcquisitionRepository } from '../acquisitions/acquisition.repository.js';
import { CopyOrderRepository } from './copy-order.repository.js';
import { Replication } from './replication.js';

const filesDone = z.object({ acquisitionId: z.uuid(), ledgerIds: z.array(z.string()) });

/**
 * Orders the copies of files that are done. A durable consumer: an order is written for every done file, also when the
 * station dies in between; the same event twice changes nothing.
 */
@Injectable()
export class CopyOrdering implements OnModuleInit {
  constructor(
    private readonly events: EventLog,
    private readonly database: Database,
    private readonly acquisitions: AcquisitionRepository,
    private readonly orders: CopyOrderRepository,
    private readonly replication: Replication,
  ) {}

  onModuleInit(): void {
    this.events.subscribe('daq.copy-orders', ['files.done'], async (events) => {
      for (const event of events) {
        await this.order(event);
      }
    });
  }

  private async order(event: StationEvent): Promise<void> {
    const { acquisitionId, ledgerIds } = filesDone.parse(event.data);
    const acquisition = await this.acquisitions.find(acquisitionId);
    const destinations = acquisition?.options.destinations ?? [];
    if (acquisition === undefined || destinations.length === 0) {
      return;
    }
    await this.orders.order(this.database, ledgerIds, destinations);
    this.replication.wake(destinations);
  }
}
