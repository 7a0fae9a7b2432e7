import { faultOfText } from '../shell/error-text.js';
import type { Field, Shell } from '../shell/shell.port.js';
import type { AreaPermissions } from '../area-permissions.js';
import { ALL_CAPABILITIES } from '../transfer-engine.port.js';
import { PREPARE_SCRIPT, PUBLISH_SCRIPT, REMOVE_SCRIPT, SETTLE_SCRIPT } from './destination-scripts.js';
import { keyOf, parseDigest } from './shell-source.js';
import type { Fault } from '../copy-faults.js';
import type { ArrivedFile, Arrival, DestinationSide, DirectoryWish, Publication, Published } from './sides.port.js';

/** A storage area on a machine that runs our scripts: everything is proven and durable there. */
export class ShellDestination implements DestinationSide {
  readonly capabilities = ALL_CAPABILITIES;

  constructor(
    private readonly shell: Shell,
    private readonly permissions: AreaPermissions,
  ) {}

  async prepare(wishes: readonly DirectoryWish[]): Promise<(Fault | null)[]> {
    if (wishes.length === 0) {
      return [];
    }
    const { records } = await this.shell.run(PREPARE_SCRIPT, [
      this.owner,
      this.permissions.directoryAcl ?? '',
      ...wishes.flatMap(({ base, path, mode }) => [base, path, octal(mode)]),
    ]);
    return wishes.map((_, index) => {
      const text = records[index]?.toString('latin1') ?? '';
      return text === '' ? null : faultOfText(text);
    });
  }

  async settle(files: readonly ArrivedFile[], readBack: boolean): Promise<Arrival[]> {
    if (files.length === 0) {
      return [];
    }
    const { records } = await this.shell.run(SETTLE_SCRIPT, [
      readBack ? '1' : '0',
      this.owner,
      this.permissions.fileAcl ?? '',
      ...files.flatMap(({ path, mode, mtimeNs }) => [path, octal(mode), seconds(mtimeNs)]),
    ]);
    const sizes = new Map(of('S', records).map(parseSize));
    const digests = new Map(of('D', records).map(parseDigest));
    const faults = new Map(of('F', records).map(parseFault));
    return files.map(({ path }, index) => {
      const sizeBytes = sizes.get(keyOf(path));
      const text = faults.get(index);
      if (text !== undefined) {
        return { status: 'failed', fault: faultOfText(text) };
      }
      if (sizeBytes === undefined) {
        return { status: 'missing' };
      }
      const md5Sum = digests.get(keyOf(path)) ?? null;
      return readBack && md5Sum === null
        ? { status: 'failed', fault: faultOfText('The copy cannot be read back: Input/output error') }
        : { status: 'there', sizeBytes, md5Sum };
    });
  }

  async publish(publications: readonly Publication[]): Promise<Published[]> {
    if (publications.length === 0) {
      return [];
    }
    const { records } = await this.shell.run(PUBLISH_SCRIPT, [
      this.owner,
      this.permissions.directoryAcl ?? '',
      ...publications.flatMap((one): Field[] => [
        one.base,
        one.directory,
        one.temporary,
        one.final,
        one.md5Sum ?? '',
        one.keepAs ?? '',
        one.keepAs === null ? '0' : '1',
        octal(one.directoryMode),
      ]),
    ]);
    return publications.map((_, index) => {
      const answer = records[index]?.toString('latin1') ?? 'Fno answer';
      const rest = answer.slice(1);
      switch (answer[0]) {
        case 'P':
          return { status: 'published', keptPrevious: rest === '1' };
        case 'O':
          return { status: 'occupied', foundMd5Sum: rest.split(' ')[0] ?? '', md5Sum: rest.split(' ')[1] ?? '' };
        default:
          return { status: 'failed', fault: faultOfText(rest) };
      }
    });
  }

  async remove(paths: readonly Uint8Array[]): Promise<void> {
    if (paths.length > 0) {
      await this.shell.run(REMOVE_SCRIPT, paths);
    }
  }

  private get owner(): string {
    const { owner, group } = this.permissions;
    return owner === undefined && group === undefined ? '' : `${owner ?? ''}${group === undefined ? '' : `:${group}`}`;
  }
}

function of(kind: string, records: readonly Buffer[]): Buffer[] {
  return records.filter((record) => record[0] === kind.charCodeAt(0)).map((record) => record.subarray(1));
}

function parseSize(record: Buffer): [string, bigint] {
  const text = record.toString('latin1');
  const at = text.indexOf(' ');
  return [text.slice(at + 1), BigInt(text.slice(0, at))];
}

function parseFault(record: Buffer): [number, string] {
  const text = record.toString('latin1');
  const at = text.indexOf(' ');
  return [Number(text.slice(0, at)), text.slice(at + 1)];
}

function octal(mode: number): string {
  // Five digits: with fewer, chmod leaves the set-group-id bit of a directory as it is.
  return mode.toString(8).padStart(5, '0');
}

/** As `stat` writes times, so that they can be compared as text. */
function seconds(ns: bigint): string {
  const whole = ns / 1_000_000_000n;
  const fraction = (ns < 0n ? -ns : ns) % 1_000_000_000n;
  const sign = ns < 0n && whole === 0n ? '-' : '';
  return `${sign}${whole}.${fraction.toString().padStart(9, '0')}`;
}
