import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { driverCode, StationError } from '../kernel/errors.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';

const MARKER = '.dm-storage';

/**
 * The storage area as a place that can be there or not. A marker file at its root, known to the station since the first
 * start, tells the mounted area from the empty directory below its mount point, which would fill the local disk.
 */
@Injectable()
export class StorageArea {
  readonly root: string;

  constructor(@Inject(CONFIG) private readonly config: StationConfig) {
    this.root = config.storage.root;
  }

  /** First start: makes the area and its marker. Later starts only look. */
  async initialize(): Promise<void> {
    const known = await this.knownId();
    if (known !== undefined) {
      return;
    }
    await mkdir(this.root, { recursive: true });
    const id = (await readIfThere(join(this.root, MARKER)))?.trim() ?? randomUUID();
    await writeFile(join(this.root, MARKER), `${id}\n`);
    await writeFile(`${this.knownIdFile}.new`, JSON.stringify({ root: this.root, id }), { mode: 0o600 });
    await rename(`${this.knownIdFile}.new`, this.knownIdFile);
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
          details: { freeBytes: free, neededBytes: bytes, reserveBytes: this.config.storage.reserveBytes },
        },
      );
    }
  }

  async requirePresent(): Promise<void> {
    const reason = await this.absence();
    if (reason !== undefined) {
      throw new StationError('unavailable', 'STORAGE_UNAVAILABLE', reason, { retryAfterSeconds: 30 });
    }
  }

  /** Why the area cannot be used now; undefined when it can. */
  async absence(): Promise<string | undefined> {
    try {
      const [known, found] = await Promise.all([this.knownId(), readIfThere(join(this.root, MARKER))]);
      if (found === undefined) {
        return `The storage area ${this.root} is not mounted: its marker ${MARKER} is missing. Mount it; files wait meanwhile.`;
      }
      return known === undefined || known === found.trim()
        ? undefined
        : `Another storage area is mounted at ${this.root} than this station knows. Mount the right one, or remove ${this.knownIdFile} if the change is meant.`;
    } catch (error) {
      return `The storage area ${this.root} cannot be read (${driverCode(error) ?? 'unknown'}). Check the mount; files wait meanwhile.`;
    }
  }

  async freeBytes(): Promise<number> {
    const stats = await statfs(this.root);
    return stats.bavail * stats.bsize;
  }

  private get knownIdFile(): string {
    return join(this.config.dataDir, 'storage-area.json');
  }

  private async knownId(): Promise<string | undefined> {
    const text = await readIfThere(this.knownIdFile);
    if (text === undefined) {
      return undefined;
    }
    const known = JSON.parse(text) as { root: string; id: string };
    return known.root === this.root ? known.id : undefined;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (driverCode(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}
