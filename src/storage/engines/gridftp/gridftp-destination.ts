import { joinBytes } from '../../../kernel/path-bytes.js';
import type { AreaPermissions } from '../../area-permissions.js';
import { type Fault, faultOfCode } from '../../copy-faults.js';
import { faultOfText } from '../../shell/error-text.js';
import type { EngineCapabilities } from '../../transfer-engine.port.js';
import type { ArrivedFile, Arrival, DestinationSide, DirectoryWish, Publication, Published } from '../sides.port.js';
import { ControlChannel, type GridftpServer, type Reply } from './control-channel.js';
import { isSendable, notSendable } from './sendable-name.js';

/** What MLST says of a path. */
interface Facts {
  isDirectory: boolean;
  isFile: boolean;
  isLink: boolean;
  sizeBytes: bigint;
}

type Outcome<T> = { ok: T } | { fault: Fault };

/**
 * A storage area behind a GridFTP server, spoken with over its control channel. The server reads a copy back itself
 * (CKSM) and sets mode, group and time; it cannot sync, set an owner or make hard links, and keeps times in seconds.
 */
export class GridftpDestination implements DestinationSide {
  readonly capabilities: EngineCapabilities = {
    readBack: true,
    sync: false,
    mode: true,
    owner: false,
    hardLinks: false,
  };
  private channel: Promise<ControlChannel> | undefined;

  constructor(
    private readonly server: GridftpServer,
    private readonly permissions: Pick<AreaPermissions, 'group'> = {},
  ) {}

  async prepare(wishes: readonly DirectoryWish[]): Promise<(Fault | null)[]> {
    const channel = await this.open();
    const known = new Map<string, Fault | null>();
    const answers: (Fault | null)[] = [];
    for (const { base, path, mode } of wishes) {
      answers.push(
        isSendable(base) && isSendable(path) ? await this.descend(channel, base, path, mode, known) : notSendable(),
      );
    }
    return answers;
  }

  async settle(files: readonly ArrivedFile[], readBack: boolean): Promise<Arrival[]> {
    const channel = await this.open();
    return Promise.all(files.map((file) => this.settleOne(channel, file, readBack)));
  }

  async publish(publications: readonly Publication[]): Promise<Published[]> {
    const channel = await this.open();
    const answers: Published[] = [];
    for (const one of publications) {
      answers.push(await this.publishOne(channel, one));
    }
    return answers;
  }

  async remove(paths: readonly Uint8Array[]): Promise<void> {
    if (paths.length > 0) {
      const channel = await this.open();
      await channel.sendAll(paths.filter(isSendable).map((path) => `DELE ${text(path)}`));
    }
  }

  /** Why nothing can be brought below this directory now; undefined when it can. */
  async absenceOf(directory: Uint8Array): Promise<string | undefined> {
    const facts = await factsOf(await this.open(), directory);
    if ('fault' in facts) {
      return facts.fault.message;
    }
    return facts.ok?.isDirectory === true ? undefined : 'it is not a directory there';
  }

  close(): void {
    void this.channel?.then(
      (channel) => channel.close(),
      () => undefined,
    );
    this.channel = undefined;
  }

  private async open(): Promise<ControlChannel> {
    const present = await this.channel?.catch(() => undefined);
    if (present?.isUsable === true) {
      return present;
    }
    this.channel = ControlChannel.open(this.server);
    return this.channel;
  }

  /** Goes down from the base, makes what is missing, and refuses links: where they lead cannot be asked. */
  private async descend(
    channel: ControlChannel,
    base: Uint8Array,
    path: Uint8Array,
    mode: number,
    known: Map<string, Fault | null>,
  ): Promise<Fault | null> {
    let at: Buffer = Buffer.from(base);
    for (const part of text(path).split('/')) {
      if (part === '') {
        continue;
      }
      at = joinBytes(at, Buffer.from(part, 'latin1'));
      const key = text(at);
      let fault = known.get(key);
      if (fault === undefined) {
        fault = await this.requireDirectory(channel, at, mode);
        known.set(key, fault);
      }
      if (fault !== null) {
        return fault;
      }
    }
    return null;
  }

  private async requireDirectory(channel: ControlChannel, path: Buffer, mode: number): Promise<Fault | null> {
    const facts = await factsOf(channel, path);
    if ('fault' in facts) {
      return facts.fault;
    }
    if (facts.ok?.isLink === true) {
      return faultOfCode(
        'EPERM',
        'The destination leads over a symbolic link, which this channel cannot follow safely.',
      );
    }
    if (facts.ok !== null) {
      return facts.ok.isDirectory ? null : faultOfCode('ENOTDIR', `${text(path)} is no directory there.`);
    }
    const [made, ...rest] = await channel.sendAll([`MKD ${text(path)}`, ...this.attributes(path, mode)]);
    return [made, ...rest].map(faultOf).find((fault) => fault !== null && fault.code !== 'EEXIST') ?? null;
  }

  private attributes(path: Uint8Array, mode: number): string[] {
    const { group } = this.permissions;
    return [
      ...(group === undefined ? [] : [`SITE CHGRP ${group} ${text(path)}`]),
      `SITE CHMOD ${mode.toString(8).padStart(4, '0')} ${text(path)}`,
    ];
  }

  private async settleOne(channel: ControlChannel, file: ArrivedFile, readBack: boolean): Promise<Arrival> {
    if (!isSendable(file.path)) {
      return { status: 'failed', fault: notSendable() };
    }
    const name = text(file.path);
    const facts = await factsOf(channel, file.path);
    if ('fault' in facts) {
      return { status: 'failed', fault: facts.fault };
    }
    if (facts.ok?.isFile !== true) {
      return { status: 'missing' };
    }
    const [cksm, ...attributes] = await channel.sendAll([
      readBack ? `CKSM MD5 0 -1 ${name}` : 'NOOP',
      `SITE UTIME ${utcSeconds(file.mtimeNs)} ${name}`,
      ...this.attributes(file.path, file.mode),
    ]);
    const fault = attributes.map(faultOf).find((one) => one !== null) ?? (cksm === undefined ? null : faultOf(cksm));
    if (fault !== null) {
      return { status: 'failed', fault };
    }
    const md5Sum = readBack ? (/^[0-9a-f]{32}/i.exec(cksm?.text ?? '')?.[0].toLowerCase() ?? null) : null;
    return { status: 'there', sizeBytes: facts.ok.sizeBytes, md5Sum };
  }

  private async publishOne(channel: ControlChannel, one: Publication): Promise<Published> {
    const directory = joinBytes(one.base, one.directory);
    const temporary = text(joinBytes(directory, one.temporary));
    const finalPath = joinBytes(directory, one.final);
    if (!isSendable(finalPath) || (one.keepAs !== null && !isSendable(one.keepAs))) {
      return { status: 'failed', fault: notSendable() };
    }
    const present = await factsOf(channel, finalPath);
    if ('fault' in present) {
      return { status: 'failed', fault: present.fault };
    }
    let keptPrevious = false;
    if (present.ok !== null) {
      const found =
        present.ok.isFile && !present.ok.isLink ? await digestOf(channel, text(finalPath)) : { ok: 'not-a-file' };
      const own = one.md5Sum === null ? await digestOf(channel, temporary) : { ok: one.md5Sum };
      if ('fault' in found || 'fault' in own) {
        return { status: 'failed', fault: 'fault' in found ? found.fault : (own as { fault: Fault }).fault };
      }
      if (one.keepAs === null && found.ok !== own.ok) {
        return { status: 'occupied', md5Sum: own.ok, foundMd5Sum: found.ok };
      }
      if (one.keepAs !== null) {
        const kept = found.ok === own.ok ? await this.isKept(channel, one) : await this.keep(channel, one, finalPath);
        if ('fault' in kept) {
          return { status: 'failed', fault: kept.fault };
        }
        keptPrevious = kept.ok;
      }
    } else if (one.keepAs !== null) {
      // An attempt before may have been cut off between its two renames.
      const kept = await this.isKept(channel, one);
      keptPrevious = 'ok' in kept && kept.ok;
    }
    const fault = await rename(channel, temporary, text(finalPath));
    return fault === null ? { status: 'published', keptPrevious } : { status: 'failed', fault };
  }

  private async isKept(channel: ControlChannel, { base, keepAs }: Publication): Promise<Outcome<boolean>> {
    const facts = await factsOf(channel, joinBytes(base, keepAs ?? Buffer.alloc(0)));
    return 'fault' in facts ? facts : { ok: facts.ok !== null };
  }

  private async keep(channel: ControlChannel, one: Publication, finalPath: Buffer): Promise<Outcome<boolean>> {
    const keepAs = text(one.keepAs ?? Buffer.alloc(0));
    const folder = Buffer.from(keepAs.slice(0, Math.max(0, keepAs.lastIndexOf('/'))), 'latin1');
    const fault = await this.descend(channel, one.base, folder, one.directoryMode, new Map());
    if (fault !== null) {
      return { fault };
    }
    const isKept = await this.isKept(channel, one);
    if ('fault' in isKept || isKept.ok) {
      return isKept;
    }
    const renamed = await rename(channel, text(finalPath), text(joinBytes(one.base, Buffer.from(keepAs, 'latin1'))));
    return renamed === null ? { ok: true } : { fault: renamed };
  }
}

async function rename(channel: ControlChannel, from: string, to: string): Promise<Fault | null> {
  const [first, second] = await channel.sendAll([`RNFR ${from}`, `RNTO ${to}`]);
  return [first, second].map((reply) => (reply === undefined ? null : faultOf(reply))).find((f) => f !== null) ?? null;
}

async function digestOf(channel: ControlChannel, path: string): Promise<Outcome<string>> {
  const reply = await channel.send(`CKSM MD5 0 -1 ${path}`);
  const fault = faultOf(reply);
  return fault === null ? { ok: reply.text.slice(0, 32).toLowerCase() } : { fault };
}

/** Null: nothing is there. */
async function factsOf(channel: ControlChannel, path: Uint8Array): Promise<Outcome<Facts | null>> {
  const reply = await channel.send(`MLST ${text(path)}`);
  const fault = faultOf(reply);
  if (fault !== null) {
    return fault.code === 'ENOENT' ? { ok: null } : { fault };
  }
  const facts = new Map(
    (reply.text.split('\n').find((line) => /type=/i.test(line)) ?? '')
      .trim()
      .split(';')
      .map((fact): [string, string] => [fact.split('=')[0]?.toLowerCase() ?? '', fact.split('=').slice(1).join('=')]),
  );
  return {
    ok: {
      isDirectory: facts.get('type') === 'dir',
      isFile: facts.get('type') === 'file',
      isLink: facts.has('unix.slink'),
      sizeBytes: BigInt(facts.get('size') ?? '-1'),
    },
  };
}

/** Positive answers, 1xx to 3xx, are none. */
function faultOf(reply: Reply | undefined): Fault | null {
  return reply === undefined || reply.code < 400 ? null : faultOfText(reply.text, `FTP_${reply.code}`);
}

function text(path: Uint8Array): string {
  return Buffer.from(path).toString('latin1');
}

/** YYYYMMDDHHMMSS */
function utcSeconds(ns: bigint): string {
  return new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19).replace(/[-:T]/g, '');
}
