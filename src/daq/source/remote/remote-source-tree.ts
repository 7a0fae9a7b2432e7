import { createHash, randomUUID } from 'node:crypto';
import { messageOf, StationError } from '../../../kernel/errors.js';
import { joinBytes, directoryOf } from '../../../kernel/path-bytes.js';
import type { Shell } from '../../../storage/index.js';
import { type CloseLook, plainLook } from '../file-looks.js';
import { mountIn } from '../mount-info.js';
import { compareDevice } from '../source-device.js';
import { CLOCK_TICK_NS } from '../source-clock.js';
import type {
  AbsenceCode,
  FileSystem,
  Look,
  Presence,
  Removal,
  ScanBatch,
  ScanRequest,
  SourceIdentity,
  SourceLocation,
  SourceTree,
  SourceTreeProperties,
} from '../source-tree.port.js';
import { nanosecondsOf, secondsOf, startOf } from './found-entry.js';
import { HostDirectory, type Untold } from './host-directory.js';
import {
  CLOCK_SCRIPT,
  FACTS_SCRIPT,
  PRESENCE_SCRIPT,
  READ_SCRIPT,
  REMOVE_SCRIPT,
  RESTORE_SCRIPT,
} from './host-scripts.js';
import { fileOf, HostWalk } from './host-walk.js';
import { PatientShell } from './patient-shell.js';

const BATCH_SIZE = 1000;

export interface RemoteSourceOptions {
  /** Acquisitions may read below these on the host. @throws StationError HOST_UNKNOWN */
  roots: () => readonly string[];
  /** @throws StationError HOST_UNKNOWN */
  shell: () => Shell;
  /** How long the host may be silent before the source counts as lost, in ms. */
  limitMs: number;
}

/**
 * A directory on a configured host, `@host:/path`. All is asked by fixed scripts over the host's ssh connection; a
 * connection that breaks makes the source lost for the moment and says nothing about its files.
 */
export class RemoteSourceTree implements SourceTree {
  readonly properties: SourceTreeProperties = { hasEvents: false };
  /** A call that hangs there cannot hold anything here. */
  readonly hangs = false;
  private readonly shell: PatientShell;
  private readonly host: HostDirectory;
  private readonly walk: HostWalk;
  private fileSystem: FileSystem | undefined;

  constructor(
    readonly location: SourceLocation,
    private readonly options: RemoteSourceOptions,
  ) {
    this.shell = new PatientShell(options.shell, options.limitMs);
    this.host = new HostDirectory(location, this.shell);
    this.walk = new HostWalk({
      host: this.host,
      batchSize: BATCH_SIZE,
      lookAtAll: (paths) => this.closeLooks(paths),
      nowMs: () => performance.now(),
    });
  }

  get isBusy(): boolean {
    return this.shell.isBusy;
  }

  async presence(knownDevice: string | null): Promise<Presence> {
    let answer: Buffer[];
    try {
      answer = await this.shell.run(PRESENCE_SCRIPT, [this.location.directory, ...this.options.roots()]);
    } catch (error) {
      if (!(error instanceof StationError)) {
        throw error;
      }
      return error.code === 'SOURCE_NO_ANSWER'
        ? absent('no-answer', `its host does not answer for ${this.options.limitMs / 1000} s`)
        : absent('unreachable', `its host cannot be asked (${messageOf(error).replace(/\.$/, '')})`);
    }
    const [verdict, directory, device, content, mounts] = answer;
    if (verdict?.toString() !== 'there' || directory === undefined || device === undefined) {
      return ABSENCES[verdict?.toString() ?? ''] ?? absent('unreadable', 'its host gave no answer that makes sense');
    }
    const isEmpty = content?.length !== 1;
    const mount = mountIn(mounts?.toString('latin1') ?? '', directory);
    const change = compareDevice(knownDevice, device.toString(), mount.point);
    if (change.hasLostMount || (change.isOther && isEmpty)) {
      return absent('not-mounted', 'its file system is not mounted');
    }
    this.fileSystem = mount.fileSystem;
    // Whatever it is there, no event of it comes here.
    const fileSystem = { type: this.fileSystem.type, isShared: true };
    return { isThere: true, device: change.device, directory, isEmpty, fileSystem };
  }

  async *scan(request: ScanRequest): AsyncGenerator<ScanBatch> {
    for await (const { batch, taken } of this.walk.pass(request)) {
      // What comes is read ahead of the caller by some hundred kilobytes; one who takes their time gets it fresh.
      yield request.isSpread === true ? await this.refreshed(batch) : batch;
      taken();
    }
  }

  async look(relativePaths: readonly Uint8Array[]): Promise<Look[]> {
    return (await this.closeLooks(relativePaths)).map(plainLook);
  }

  async read(relativePath: Uint8Array, limit: number): Promise<Buffer | undefined> {
    const fields = [this.location.directory, startOf(relativePath), String(limit)];
    const [bytes] = await this.shell.run(READ_SCRIPT, fields);
    return bytes === undefined ? undefined : Buffer.from(bytes.toString('latin1'), 'base64');
  }

  async clock(): Promise<bigint | undefined> {
    if (this.fileSystem === undefined && !(await this.presence(null)).isThere) {
      return undefined;
    }
    const isShared = this.fileSystem?.isShared === true;
    const probe = isShared ? `./.dm-clock-${randomUUID()}.part` : '';
    const [seconds] = await this.shell.run(CLOCK_SCRIPT, [this.location.directory, probe]);
    if (seconds === undefined) {
      return undefined;
    }
    return nanosecondsOf(seconds.toString('latin1')) - (isShared ? 0n : CLOCK_TICK_NS);
  }

  async remove(relativePath: Uint8Array, identity: SourceIdentity): Promise<Removal> {
    const { path, aside, wanted } = privately(relativePath, identity);
    const [verdict, found] = await this.shell.run(REMOVE_SCRIPT, [
      this.location.directory,
      path,
      aside,
      wanted,
      ...this.options.roots(),
    ]);
    switch (verdict?.toString()) {
      case 'removed':
        return { status: 'removed' };
      case 'gone':
        return { status: 'gone' };
      case 'changed':
        return { status: 'changed', detail: `type, inode, size, mtime ${wanted} → ${found?.toString('latin1') ?? ''}` };
      case 'outside':
        return { status: 'failed', code: 'OUTSIDE_ROOTS' };
      default:
        return { status: 'failed', code: 'UNKNOWN' };
    }
  }

  async restore(relativePath: Uint8Array, identity: SourceIdentity): Promise<void> {
    const { path, aside } = privately(relativePath, identity);
    await this.shell.run(RESTORE_SCRIPT, [this.location.directory, path, aside]);
  }

  watch(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    this.shell.close();
    return Promise.resolve();
  }

  private async closeLooks(relativePaths: readonly Uint8Array[]): Promise<CloseLook[]> {
    if (relativePaths.length === 0) {
      return [];
    }
    const found = new Map<string, CloseLook>();
    let untold: Untold | undefined;
    for await (const entries of this.host.entries(FACTS_SCRIPT, relativePaths, (now) => (untold = now))) {
      for (const entry of entries) {
        const look = entry.type === 'd' ? 'directory' : entry.type === 'f' ? fileOf(entry) : 'gone';
        found.set(entry.path.toString('latin1'), look);
      }
    }
    return relativePaths.map((path) => {
      const key = Buffer.from(path).toString('latin1');
      const code = untold?.codes.get(key) ?? (untold?.isCut === true ? 'UNKNOWN' : undefined);
      return found.get(key) ?? (code === undefined ? 'gone' : { code });
    });
  }

  private async refreshed(batch: ScanBatch): Promise<ScanBatch> {
    const looks = await this.look(batch.files.map((file) => file.relativePath));
    return { ...batch, files: looks.filter((look) => typeof look === 'object') };
  }
}

/** A file, the private name that its removal gives it, and the facts that it must have. */
function privately(relativePath: Uint8Array, { inode, sizeBytes, mtimeNs }: SourceIdentity) {
  const wanted = `f ${inode} ${sizeBytes} ${secondsOf(mtimeNs)}`;
  const path = startOf(relativePath);
  return { path, wanted, aside: joinBytes(directoryOf(path), privateName(path, wanted)) };
}

/** The same at each attempt, so that one that broke off is carried on. A scan passes such names by. */
function privateName(path: Buffer, wanted: string): Buffer {
  const name = createHash('sha256').update(path).update('\0').update(wanted).digest('hex').slice(0, 24);
  return Buffer.from(`.dm-${name}.part`);
}

function absent(code: AbsenceCode, reason: string): Presence {
  return { isThere: false, code, reason };
}

const ABSENCES: Readonly<Record<string, Presence>> = {
  missing: absent('missing', 'it does not exist'),
  file: absent('not-a-directory', 'it is not a directory'),
  outside: absent('outside-roots', 'it leads out of the source roots that are configured for its host'),
  unreadable: absent('unreadable', 'it cannot be read (EACCES)'),
};
