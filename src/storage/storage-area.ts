import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { StationError } from '../kernel/errors.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { MarkedDirectory } from './marked-directory.js';

/** A person has to do something first; asking more often only makes noise. */
const RETRY_AFTER_SECONDS = 30;

/** The storage area of the station: the primary destination, where experiments live. */
@Injectable()
export class StorageArea {
  private readonly directory: MarkedDirectory;

  constructor(@Inject(CONFIG) private readonly config: StationConfig) {
    this.directory = new MarkedDirectory(
      config.storage.root,
      'The storage area',
      join(config.dataDir, 'storage-area.json'),
    );
  }

  get root(): string {
    return this.directory.root;
  }

  /** First start: makes the area and its marker. Later starts only look. */
  initialize(): Promise<void> {
    return this.directory.initialize();
  }

  /** @throws StationError STORAGE_UNAVAILABLE, STORAGE_FULL */
  async requireSpace(bytes: number): Promise<void> {
    await this.requirePresent();
    const free = await this.freeBytes();
    if (free < bytes + this.config.storage.reserveBytes) {
      throw new StationError(
        'unavailable',
        'STORAGE_FULL',
        `The storage area ${this.root} has ${free} bytes free; ${bytes} are needed and ${this.config.storage.reserveBytes} stay reserved. Free some space or lower storage.reserveBytes.`,
        {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
          details: { freeBytes: free, neededBytes: bytes, reserveBytes: this.config.storage.reserveBytes },
        },
      );
    }
  }

  async requirePresent(): Promise<void> {
    const reason = await this.absence();
    if (reason !== undefined) {
      throw new StationError('unavailable', 'STORAGE_UNAVAILABLE', reason, {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
  }

  /** Why the area cannot be used now; undefined when it can. */
  absence(): Promise<string | undefined> {
    return this.directory.absence();
  }

  freeBytes(): Promise<number> {
    return this.directory.freeBytes();
  }
}
