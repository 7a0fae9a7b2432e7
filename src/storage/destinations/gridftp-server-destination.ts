import { readFileSync } from 'node:fs';
import { messageOf, StationError } from '../../kernel/errors.js';
import { joinBytes, relativeTo } from '../../kernel/path-bytes.js';
import { permissionsAt } from '../area-permissions.js';
import type { GridftpServer } from '../engines/gridftp/control-channel.js';
import { GlobusUrlCopy } from '../engines/gridftp/globus-url-copy.js';
import { GridftpDestination } from '../engines/gridftp/gridftp-destination.js';
import { ShellSource } from '../engines/shell-source.js';
import { StagedTransferEngine } from '../engines/staged-transfer-engine.js';
import { LocalShell } from '../shell/local-shell.js';
import type { TransferEngine } from '../transfer-engine.port.js';
import type { TransferMetrics } from '../transfer.metrics.js';
import { heldToRate } from '../wrappers/held-to-rate.js';
import { remoteEngine } from '../wrappers/remote-engine.js';
import type { Destination } from './destination.js';
import type { DestinationConfig } from './destination.config.js';
import { directoryRefused } from './directory-refused.js';
import type { StorageDefaults } from './local-destination.js';

type GridftpConfig = Extract<DestinationConfig, { engine: 'gridftp' }>;

/** A directory behind a GridFTP server. How full it is cannot be asked; a full one answers its copies so. */
export class GridftpServerDestination implements Destination {
  readonly kind = 'gridftp';
  readonly address: string;
  readonly engine: TransferEngine;
  private readonly side: GridftpDestination;

  constructor(
    private readonly config: GridftpConfig,
    private readonly defaults: StorageDefaults,
    metrics: TransferMetrics,
  ) {
    const server = serverOf(config);
    const { concurrency, streams } = config;
    this.address = `ftp://${server.address}:${server.port}${config.root}`;
    this.side = new GridftpDestination(server, permissionsAt(config, defaults.permissions));
    const local = new LocalShell();
    const push = remoteEngine(
      new StagedTransferEngine(
        new ShellSource(local),
        this.side,
        new GlobusUrlCopy(server, { streams, files: concurrency }),
        async () => {
          this.side.close();
          await local.close();
        },
      ),
      { name: 'gridftp-push', concurrency, metrics },
    );
    this.engine = heldToRate(push, config.bytesPerSecond);
  }

  /** Its root is made by whoever runs the server. */
  initialize(): Promise<void> {
    return Promise.resolve();
  }

  /** Accounts and groups are those of the server, which the first copy asks. */
  requirePermissions(): Promise<void> {
    return Promise.resolve();
  }

  fullness(): Promise<string | undefined> {
    return Promise.resolve(undefined);
  }

  get name(): string {
    return this.config.name;
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

  async absence(): Promise<string | undefined> {
    try {
      const reason = await this.side.absenceOf(Buffer.from(this.config.root));
      return reason === undefined
        ? undefined
        : `The destination ${this.name} (${this.address}) cannot be used: ${reason}. Copies wait meanwhile.`;
    } catch (error) {
      return messageOf(error);
    }
  }

  directoryOf(experimentDirectory: Buffer): Buffer {
    return joinBytes(
      Buffer.from(this.config.root),
      relativeTo(experimentDirectory, Buffer.from(this.defaults.storageRoot)),
    );
  }

  /** @throws CopyRefusal with the code of the fault there */
  async prepareDirectory(experimentDirectory: Buffer): Promise<Buffer> {
    const path = relativeTo(experimentDirectory, Buffer.from(this.defaults.storageRoot));
    const [fault] = await this.side.prepare([{ base: Buffer.from(this.config.root), path, mode: this.directoryMode }]);
    if (fault !== null && fault !== undefined) {
      throw directoryRefused(this, fault);
    }
    return this.directoryOf(experimentDirectory);
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}

function serverOf({ name, address, port, user, passwordFile }: GridftpConfig): GridftpServer {
  if (passwordFile === undefined) {
    return { address, port, user, password: 'dm-station@' };
  }
  try {
    return { address, port, user, password: readFileSync(passwordFile, 'utf8').trim() };
  } catch (error) {
    throw new StationError(
      'invalid',
      'CONFIG_INVALID',
      `storage.destinations: the password file of ${name} cannot be read (${messageOf(error)}). Create it, readable by the station only.`,
      { cause: error },
    );
  }
}
