import { Injectable } from '@nestjs/common';
import { AccessService, type Principal } from '../../auth/index.js';
import { Destinations, type EngineCapabilities } from '../../storage/index.js';
import type { OrderCounts } from './copy-order.js';
import { CopyOrderRepository } from './copy-order.repository.js';
import { Replication } from './replication.js';

/** A destination as people see it. */
export interface DestinationView {
  name: string;
  kind: string;
  address: string;
  default: boolean;
  required: boolean;
  /** What the channel can do there; `sync`: whether its copies ever justify a deletion. */
  capabilities: EngineCapabilities;
  status: 'up' | 'down';
  /** Why it takes no copies now, and what to do. */
  message: string | null;
  copies: Omit<OrderCounts, 'destination'>;
}

const NONE: DestinationView['copies'] = {
  waitingFiles: 0,
  waitingBytes: 0,
  copyingFiles: 0,
  failedFiles: 0,
  quarantinedFiles: 0,
  oldestSeconds: null,
};

/** Looking at destinations, and freeing what they could not take. */
@Injectable()
export class DestinationsService {
  constructor(
    private readonly access: AccessService,
    private readonly destinations: Destinations,
    private readonly orders: CopyOrderRepository,
    private readonly replication: Replication,
  ) {}

  async list(principal: Principal): Promise<DestinationView[]> {
    await this.access.require(principal, 'station.read');
    const counts = new Map((await this.orders.counts()).map(({ destination, ...copies }) => [destination, copies]));
    return Promise.all(
      this.destinations.all().map(async (destination) => {
        const message = (await destination.absence()) ?? this.replication.troubleAt(destination.name) ?? null;
        return {
          name: destination.name,
          kind: destination.kind,
          address: destination.address,
          default: destination.isDefault,
          required: destination.isRequired,
          capabilities: destination.engine.capabilities,
          status: message === null ? ('up' as const) : ('down' as const),
          message,
          copies: counts.get(destination.name) ?? NONE,
        };
      }),
    );
  }

  /** @throws StationError DESTINATION_UNKNOWN, FORBIDDEN */
  async retry(principal: Principal, name: string): Promise<{ retried: number }> {
    await this.access.require(principal, 'station.manage');
    const destination = this.destinations.get(name);
    const retried = await this.orders.retry(destination.name);
    this.replication.wake([destination.name]);
    return { retried };
  }
}
