import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import { withTimeLimit } from '../../kernel/time-limit.js';
import { Destinations } from '../../storage/index.js';
import { ReplicationParts } from './replication-parts.js';
import { Replicator } from './replicator.js';

/** A destination may hang, and a large file take its time: what is not copied by then is copied again at the next start. */
const STOP_LIMIT_MS = 10_000;

/** Runs one replicator for each destination that is configured beside the primary one. */
@Injectable()
export class Replication implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Replication.name);
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
    await Promise.all(
      [...this.replicators].map(([name, replicator]) =>
        withTimeLimit(replicator.stop(), STOP_LIMIT_MS).catch((error: unknown) =>
          this.logger.warn(`not waiting for the copies to ${name} any longer: ${messageOf(error)}`),
        ),
      ),
    );
  }

  /** Why a destination took no copies when it was last asked to; undefined when it did. */
  troubleAt(name: string): string | undefined {
    return this.replicators.get(name)?.trouble;
  }

  /** There may be something to copy at these destinations. */
  wake(names: readonly string[]): void {
    names.forEach((name) => this.replicators.get(name)?.wake());
  }
}
