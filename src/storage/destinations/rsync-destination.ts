import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { driverCode, messageOf, StationError } from '../../kernel/errors.js';
import { joinBytes, relativeTo } from '../../kernel/path-bytes.js';
import { ShellDestination } from '../engines/shell-destination.js';
import { atDestination, permissionsRefused } from '../resolved-permissions.js';
import type { Shell } from '../shell/shell.port.js';
import type { TransferEngine } from '../transfer-engine.port.js';
import type { Destination } from './destination.js';
import type { DestinationConfig } from './destination.config.js';
import { directoryRefused } from './directory-refused.js';
import type { StorageDefaults } from './local-destination.js';
import { LOOK_AT_PLACE_SCRIPT, MARK_SCRIPT, TRY_PERMISSIONS_SCRIPT } from './place-scripts.js';

/** A directory on another machine, reached by rsync over ssh. */
export class RsyncDestination implements Destination {
  readonly kind = 'rsync';

  constructor(
    private readonly config: Extract<DestinationConfig, { engine: 'rsync' }>,
    private readonly defaults: StorageDefaults,
    private readonly shell: Shell,
    readonly engine: TransferEngine,
  ) {}

  get name(): string {
    return this.config.name;
  }

  get address(): string {
    return `${this.config.host}:${this.config.root}`;
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

  /** Marks the root there once; a host that is away now is asked again before the first copy. */
  async initialize(): Promise<void> {
    if ((await this.knownId()) !== undefined) {
      return;
    }
    const { records, complaints } = await this.shell.run(MARK_SCRIPT, [this.config.root, randomUUID()]);
    const id = records[0]?.toString('utf8');
    if (id === undefined || id === '') {
      throw new StationError(
        'unavailable',
        'DESTINATION_UNUSABLE',
        `The destination ${this.name} cannot be set up at ${this.address}: ${complaints.trim()}. Make the directory writable for the account that the station uses there.`,
      );
    }
    await writeFile(`${this.knownIdFile}.new`, JSON.stringify({ root: this.address, id }), { mode: 0o600 });
    await rename(`${this.knownIdFile}.new`, this.knownIdFile);
  }

  async requirePermissions(): Promise<void> {
    const { owner, group, fileAcl } = this.defaults.permissions;
    const wanted = [owner, group, fileAcl].filter((one) => one !== undefined);
    if (wanted.length === 0 || (await this.absence()) !== undefined) {
      return;
    }
    const fields = [this.config.root, owner ?? '', group ?? '', fileAcl ?? ''];
    const complaint = (await this.shell.run(TRY_PERMISSIONS_SCRIPT, fields)).records[0]?.toString('utf8') ?? '';
    if (complaint !== '') {
      const place = atDestination(this.name);
      throw permissionsRefused(`${place.section}: ${wanted.join(', ')}`, place, complaint);
    }
  }

  async absence(): Promise<string | undefined> {
    try {
      await this.initialize();
      const [known, place] = await Promise.all([this.knownId(), this.look()]);
      if (place.id === '') {
        return `its marker is missing at ${this.address}: the file system there is not mounted. Mount it; copies wait meanwhile.`;
      }
      return known === place.id
        ? undefined
        : `another file system is at ${this.address} than this station knows. Mount the right one, or remove ${this.knownIdFile} if the change is meant.`;
    } catch (error) {
      return messageOf(error);
    }
  }

  async fullness(bytes: number): Promise<string | undefined> {
    const { freeBytes } = await this.look();
    return freeBytes === undefined || freeBytes >= bytes + this.config.reserveBytes
      ? undefined
      : `The destination ${this.name} has ${freeBytes} bytes free; ${bytes} are needed and ${this.config.reserveBytes} stay reserved. Free some space there.`;
  }

  directoryOf(experimentDirectory: Buffer): Buffer {
    return joinBytes(
      Buffer.from(this.config.root),
      relativeTo(experimentDirectory, Buffer.from(this.defaults.storageRoot)),
    );
  }

  /** @throws CopyRefusal with the code of the fault there */
  async prepareDirectory(experimentDirectory: Buffer): Promise<Buffer> {
    const base = Buffer.from(this.config.root);
    const path = relativeTo(experimentDirectory, Buffer.from(this.defaults.storageRoot));
    const side = new ShellDestination(this.shell, this.defaults.permissions);
    const [fault] = await side.prepare([{ base, path, mode: this.directoryMode }]);
    if (fault !== null && fault !== undefined) {
      throw directoryRefused(this, fault);
    }
    return this.directoryOf(experimentDirectory);
  }

  close(): Promise<void> {
    return this.engine.close();
  }

  private async look(): Promise<{ id: string; freeBytes: number | undefined }> {
    const { records } = await this.shell.run(LOOK_AT_PLACE_SCRIPT, [this.config.root]);
    const [id = '', free = ''] = records.map((record) => record.toString('utf8'));
    return { id, freeBytes: /^\d+$/.test(free) ? Number(free) : undefined };
  }

  private get knownIdFile(): string {
    return join(this.defaults.dataDir, `destination-${this.name}.json`);
  }

  private async knownId(): Promise<string | undefined> {
    try {
      const known = JSON.parse(await readFile(this.knownIdFile, 'utf8')) as { root: string; id: string };
      return known.root === this.address ? known.id : undefined;
    } catch (error) {
      if (driverCode(error) === 'ENOENT') {
        return undefined;
      }
      throw error;
    }
  }
}
