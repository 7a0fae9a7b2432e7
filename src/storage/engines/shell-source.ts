import { faultOfText } from '../shell/error-text.js';
import type { Shell } from '../shell/shell.port.js';
import type { FileIdentity } from '../transfer-engine.port.js';
import { DIGEST_SCRIPT, LOOK_SCRIPT } from './look-script.js';
import type { Digested, Look, SourceSide } from './sides.port.js';

const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;

/** Files on a machine that runs our scripts: this one, or one that is reached by ssh. */
export class ShellSource implements SourceSide {
  constructor(private readonly shell: Shell) {}

  async look(paths: readonly Uint8Array[], roots: readonly Uint8Array[]): Promise<Look[]> {
    if (paths.length === 0) {
      return [];
    }
    const { records, complaints } = await this.shell.run(LOOK_SCRIPT, [String(roots.length), ...roots, ...paths]);
    const stats = new Map(records.slice(paths.length).map(parseStat));
    return paths.map((path, index) => {
      const verdict = records[index]?.toString('latin1') ?? '';
      if (verdict === 'X') {
        return { status: 'outside' };
      }
      const text = verdict === 'I' ? complaintAbout(complaints, path) : verdict.slice(1);
      return stats.get(keyOf(path)) ?? lookOfComplaint(text);
    });
  }

  async digest(paths: readonly Uint8Array[]): Promise<Digested[]> {
    return digestBy(this.shell, paths);
  }
}

export async function digestBy(shell: Shell, paths: readonly Uint8Array[]): Promise<Digested[]> {
  if (paths.length === 0) {
    return [];
  }
  const { records, complaints } = await shell.run(DIGEST_SCRIPT, paths);
  const digests = new Map(records.map(parseDigest));
  return paths.map((path) => {
    const md5Sum = digests.get(keyOf(path));
    return md5Sum === undefined
      ? { status: 'failed', fault: faultOfText(complaintAbout(complaints, path), 'EIO') }
      : { status: 'digested', md5Sum };
  });
}

/** `<md5> *<name>`: with `-z` md5sum writes names as they are. */
export function parseDigest(record: Buffer): [string, string] {
  return [record.toString('latin1', 34), record.toString('latin1', 0, 32)];
}

export function keyOf(path: Uint8Array): string {
  return Buffer.from(path).toString('latin1');
}

/** `<mode> <inode> <size> <mtime with 9 decimals> <name>` */
function parseStat(record: Buffer): [string, Look] {
  const [, mode = '0', inode = '0', size = '0', mtime = '0', name = ''] =
    /^([0-9a-f]+) (\d+) (\d+) (-?[\d.]+) ([^]*)$/.exec(record.toString('latin1')) ?? [];
  const isRegular = (parseInt(mode, 16) & FILE_TYPE) === REGULAR;
  const identity: FileIdentity = { sizeBytes: BigInt(size), mtimeNs: nanoseconds(mtime), inode: BigInt(inode) };
  return [name, isRegular ? { status: 'file', identity } : { status: 'not-a-file' }];
}

/** `stat` writes times before 1970 with the sign in front of both parts: -1.500000000 is one and a half seconds before. */
export function nanoseconds(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  const parts = BigInt(fraction.padEnd(9, '0').slice(0, 9));
  return BigInt(whole) * 1_000_000_000n + (text.startsWith('-') ? -parts : parts);
}

function lookOfComplaint(text: string): Look {
  const fault = faultOfText(text, 'ENOENT');
  return fault.code === 'ENOENT' || fault.code === 'ENOTDIR' ? { status: 'absent' } : { status: 'failed', fault };
}

/** The line that names the file as it is; programs quote awkward names, for which what else they said must do. */
function complaintAbout(complaints: string, path: Uint8Array): string {
  const name = keyOf(path);
  const lines = complaints.split('\n').filter((line) => line !== '');
  return lines.find((line) => line.includes(name)) ?? (lines.length === 1 ? (lines[0] ?? '') : '');
}
