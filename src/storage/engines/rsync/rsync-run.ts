import { type ChildProcess, spawn } from 'node:child_process';
import { StationError } from '../../../kernel/errors.js';
import { faultOfCode } from '../../copy-faults.js';
import { codeOfText } from '../../shell/error-text.js';
import { nulTerminated } from '../../shell/nul-records.js';
import type { SshShell } from '../../shell/ssh-shell.js';
import { sshTrouble } from '../../shell/ssh-trouble.js';
import type { Move, MoveFaults } from '../sides.port.js';

/** Exit codes after which what has arrived is whole and the rest is told file by file. */
const PARTIAL = new Set([0, 23, 24]);
/** An error of a file's input or output ended the run: a full disk, most often. */
const FILE_ERROR = 11;
const NOT_FOUND = 127;
/** rsync ends when nothing has moved for so long, in seconds. */
const STALL_SECONDS = 120;
const MAX_COMPLAINTS_CHARS = 1024 * 1024;

/**
 * - `--inplace`: the names are temporary already; rsync's own would outlive a cut connection under names that nobody
 *   knows.
 * - `--whole-file`: there is never an older copy under a temporary name to compare with.
 * - `--sparse`: holes stay holes.
 * - `--chmod`: nobody reads a file before it has its mode.
 */
const OPTIONS = [
  '--times',
  '--inplace',
  '--whole-file',
  '--sparse',
  '--perms',
  '--chmod=F600',
  '--omit-dir-times',
  '--from0',
  '--files-from=-',
  '--no-implied-dirs',
  `--timeout=${STALL_SECONDS}`,
];

/** What a mover hands to each run. */
export interface RsyncChannel {
  shell: SshShell;
  bytesPerSecond: number | undefined;
  /** Runs under way, to be ended when the station stops. */
  children: Set<ChildProcess>;
}

export interface RsyncEnd {
  complaints: string;
  exitCode: number;
}

/**
 * Runs rsync once for a list of files.
 *
 * @throws StationError when the connection or the far rsync is at fault.
 */
export async function runRsync(
  { shell, bytesPerSecond, children }: RsyncChannel,
  sides: { extra: readonly string[]; from: (host: string) => string; to: (host: string) => string },
  names: readonly Uint8Array[],
): Promise<RsyncEnd> {
  const { command, host } = await shell.forRsync();
  const limit = bytesPerSecond === undefined ? [] : [`--bwlimit=${Math.max(1, Math.floor(bytesPerSecond / 1024))}`];
  const child = spawn(
    'rsync',
    [...OPTIONS, ...sides.extra, ...limit, '-e', command, sides.from(host), sides.to(host)],
    {
      stdio: ['pipe', 'ignore', 'pipe'],
    },
  );
  children.add(child);
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaints.length < MAX_COMPLAINTS_CHARS) {
      complaints += chunk.toString('latin1');
    }
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(nulTerminated(names));
  let isMissingHere = false;
  const exitCode = await new Promise<number | null>((resolve) => {
    child.once('error', () => {
      isMissingHere = true;
      resolve(NOT_FOUND);
    });
    child.once('close', resolve);
  });
  children.delete(child);
  if (exitCode === NOT_FOUND) {
    const place = isMissingHere ? 'this machine' : shell.place;
    throw new StationError('unavailable', 'RSYNC_MISSING', `rsync is not installed on ${place}. Install it there.`);
  }
  if (exitCode === null || !(PARTIAL.has(exitCode) || exitCode === FILE_ERROR)) {
    throw sshTrouble(shell.place, exitCode, complaints);
  }
  return { complaints, exitCode };
}

/** rsync names the file in a line with the system's words; where such an error ended the run, it is everybody's. */
export function faultsOf(
  moves: readonly Move[],
  { complaints, exitCode }: RsyncEnd,
  nameOf: (move: Move) => string,
): MoveFaults {
  const lines = complaints.split('\n').filter((line) => codeOfText(line) !== undefined);
  const fatal = exitCode === FILE_ERROR ? (lines[0] ?? 'rsync: Input/output error') : undefined;
  const faults = new Map<string, ReturnType<typeof faultOfCode>>();
  for (const move of lines.length === 0 && fatal === undefined ? [] : moves) {
    // After a fatal one it is not told which files had arrived; one that had is copied again.
    const line = lines.find((candidate) => candidate.includes(nameOf(move))) ?? fatal;
    if (line !== undefined) {
      faults.set(move.id, faultOfCode(codeOfText(line) ?? 'EIO', line));
    }
  }
  return faults;
}
