import { join } from 'node:path';
import { joinBytes, relativeTo } from '../../kernel/path-bytes.js';
import { type AreaPermissions, permissionsAt } from '../area-permissions.js';
import { faultOf } from '../copy-faults.js';
import { LocalTransferEngine } from '../local/local-transfer-engine.js';
import { MarkedDirectory } from '../marked-directory.js';
import { OneAtATime } from '../one-at-a-time.js';
import {
  atDestination,
  requirePermissions,
  type ResolvedPermissions,
  resolvePermissions,
} from '../resolved-permissions.js';
import type { TransferEngine } from '../transfer-engine.port.js';
import type { TransferMetrics } from '../transfer.metrics.js';
import { heldToRate } from '../wrappers/held-to-rate.js';
import { MeteredTransferEngine } from '../wrappers/metered-transfer-engine.js';
import { RecheckingTransferEngine } from '../wrappers/rechecking-transfer-engine.js';
import type { Destination } from './destination.js';
import type { DestinationConfig } from './destination.config.js';
import { directoryRefused } from './directory-refused.js';
import { makeDirectories } from './make-directories.js';

/** A file system that has not made a directory for so long hangs. */
const PREPARE_LIMIT_MS = 10_000;

/** Where things are and which modes hold when the destination says nothing else. */
export interface StorageDefaults {
  dataDir: string;
  storageRoot: string;
  fileMode: number;
  directoryMode: number;
  /** Of the storage area. */
  permissions: AreaPermissions;
}

/** A directory on this machine: a mirror on another disk, or a mounted file system. */
export class LocalDestination implements Destination {
  readonly kind = 'local';
  readonly engine: TransferEngine;
  private readonly permissions: AreaPermissions;
  private readonly rights: ResolvedPermissions;
  private readonly directory: MarkedDirectory;
  private readonly preparations = new OneAtATime(PREPARE_LIMIT_MS);

  constructor(
    private readonly config: Extract<DestinationConfig, { engine: 'local' }>,
    private readonly defaults: StorageDefaults,
    metrics: TransferMetrics,
  ) {
    this.permissions = permissionsAt(config, defaults.permissions);
    this.rights = resolvePermissions(this.permissions, atDestination(config.name));
    // Threads of its own: a disk that hangs there holds nobody else.
    const threads = new RecheckingTransferEngine(new LocalTransferEngine(config.concurrency, this.rights));
    this.engine = new MeteredTransferEngine(heldToRate(threads, config.bytesPerSecond), 'local-push', metrics);
    this.directory = new MarkedDirectory(
      config.root,
      `The destination ${config.name}`,
      join(defaults.dataDir, `destination-${config.name}.json`),
    );
  }

  get name(): string {
    return this.config.name;
  }

  get address(): string {
    return this.config.root;
  }

  get isDefault(): boolean {
    return this.config.default;
  }

  get isRequired(): boolean {
    return this.config.required;
  }

  get concurrency(): number {
    return this.config.concurrency;
  }

  get fileMode(): number {
    return this.config.fileMode ?? this.defaults.fileMode;
  }

  get directoryMode(): number {
    return this.config.directoryMode ?? this.defaults.directoryMode;
  }

  initialize(): Promise<void> {
    return this.directory.initialize();
  }

  async requirePermissions(): Promise<void> {
    if ((await this.absence()) === undefined) {
      await requirePermissions(this.config.root, this.permissions, this.rights, atDestination(this.name));
    }
  }

  absence(): Promise<string | undefined> {
    return this.directory.absence();
  }

  async fullness(bytes: number): Promise<string | undefined> {
    const free = await this.directory.freeBytes();
    return free >= bytes + this.config.reserveBytes
      ? undefined
      : `The destination ${this.name} has ${free} bytes free; ${bytes} are needed and ${this.config.reserveBytes} stay reserved. Free some space there.`;
  }

  directoryOf(experimentDirectory: Buffer): Buffer {
    return joinBytes(
      Buffer.from(this.config.root),
      relativeTo(experimentDirectory, Buffer.from(this.defaults.storageRoot)),
    );
  }

  /** @throws CopyRefusal with the code of the file system */
  async prepareDirectory(experimentDirectory: Buffer): Promise<Buffer> {
    const directory = this.directoryOf(experimentDirectory);
    try {
      await this.preparations.do(() =>
        makeDirectories(Buffer.from(this.config.root), directory, { mode: this.directoryMode, ...this.rights }),
      );
    } catch (error) {
      throw directoryRefused(this, faultOf(error));
    }
    return directory;
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}
