import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { messageOf, StationError } from '../../kernel/errors.js';
import { joinBytes } from '../../kernel/path-bytes.js';
import { withTimeLimit } from '../../kernel/time-limit.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { permissionsOf } from '../area-permissions.js';
import { RemoteHosts } from '../hosts/remote-hosts.js';
import { PRIMARY } from '../replica.repository.js';
import { TransferEngines } from '../transfer-engines.js';
import { TransferMetrics } from '../transfer.metrics.js';
import type { Destination } from './destination.js';
import { openDestination } from './open-destination.js';

/** Batches were waited for before; one that is still under way hangs. */
const CLOSE_LIMIT_MS = 2000;

/** The places that copies go to beside the storage area, as configured. */
@Injectable()
export class Destinations implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Destinations.name);
  private readonly byName: ReadonlyMap<string, Destination>;

  constructor(
    @Inject(CONFIG) config: StationConfig,
    engines: TransferEngines,
    hosts: RemoteHosts,
    metrics: TransferMetrics,
  ) {
    const defaults = {
      dataDir: config.dataDir,
      storageRoot: config.storage.root,
      fileMode: config.storage.fileMode,
      directoryMode: config.storage.directoryMode,
      permissions: permissionsOf(config.storage),
    };
    this.byName = new Map(
      config.storage.destinations.map((one) => [one.name, openDestination(one, { defaults, engines, hosts, metrics })]),
    );
  }

  /**
   * One that cannot be made now is no reason not to start: its copies wait, and an alarm says so. Permissions that it
   * refuses are, as those of the storage area: each of its copies would fail.
   *
   * @throws StationError STORAGE_PERMISSIONS_REFUSED
   */
  async onModuleInit(): Promise<void> {
    for (const destination of this.byName.values()) {
      try {
        await destination.initialize();
        await destination.requirePermissions();
      } catch (error) {
        if (error instanceof StationError && error.code === 'STORAGE_PERMISSIONS_REFUSED') {
          throw error;
        }
        this.logger.warn(`destination ${destination.name}: ${messageOf(error)}`);
      }
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(
      this.all().map((destination) =>
        withTimeLimit(destination.close(), CLOSE_LIMIT_MS).catch((error: unknown) =>
          this.logger.warn(`destination ${destination.name} could not be closed: ${messageOf(error)}`),
        ),
      ),
    );
  }

  all(): Destination[] {
    return [...this.byName.values()];
  }

  /** @throws StationError DESTINATION_UNKNOWN */
  get(name: string): Destination {
    const destination = this.byName.get(name);
    if (destination === undefined) {
      throw unknown([name], [...this.byName.keys()]);
    }
    return destination;
  }

  /**
   * Where a copy lies at its destination. `experimentDirectory`: in the storage area; `location`: relative to the
   * experiment's directory. The latter is all that can be said of a destination that is not configured any more.
   */
  locate(destination: string, experimentDirectory: Buffer, location: Buffer): Buffer {
    if (destination === PRIMARY) {
      return joinBytes(experimentDirectory, location);
    }
    const known = this.byName.get(destination);
    return known === undefined ? location : joinBytes(known.directoryOf(experimentDirectory), location);
  }

  /**
   * The names that an acquisition copies to: those asked for, else the defaults. `primary` is always one and need not
   * be named.
   *
   * @throws StationError DESTINATION_UNKNOWN
   */
  chosen(asked: readonly string[] | undefined): string[] {
    if (asked === undefined) {
      return this.all().flatMap((destination) => (destination.isDefault ? [destination.name] : []));
    }
    const names = [...new Set(asked)].filter((name) => name !== PRIMARY);
    const missing = names.filter((name) => !this.byName.has(name));
    if (missing.length > 0) {
      throw unknown(missing, [...this.byName.keys()]);
    }
    return names;
  }

  /**
   * Those of `names` whose copy must be verified before a source file may go. One that is not configured any more is among
   * them: whether it was required cannot be told.
   */
  required(names: readonly string[]): string[] {
    return names.filter((name) => this.byName.get(name)?.isRequired ?? true);
  }
}

function unknown(names: readonly string[], known: readonly string[]): StationError {
  return new StationError(
    'invalid',
    'DESTINATION_UNKNOWN',
    `There is no destination ${names.join(', ')}; configured are ${[PRIMARY, ...known].join(', ')} (storage.destinations).`,
  );
}
