import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Destinations } from '../../storage/index.js';
import { ReplicationParts } from './replication-parts.js';
import { Replicator } from './replicator.js';

/** Runs one replicator for each destination that is configured beside the primary one. */
@Injectable()
export class Replication implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly replicators: ReadonlyMap<string, Replicator>;

  constructor(destinations: Destinations, parts: ReplicationParts) {
    this.replicators = new Map(
      destinations.all().map((destination) => [destination.name, new Replicator(destination, parts)]),
    );
  }

  onApplicationBootstrap(): void {
    this.replicators.forEach((replicator) => replicator.start());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([...this.replicators.values()].map((replicator) => replicator.stop()));
  }

  /** There may be something to copy at these destinations. */
  wake(names: readonly string[]): void {
    names.forEach((name) => this.replicators.get(name)?.wake());
  }
}
