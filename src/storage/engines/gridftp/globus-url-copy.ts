import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StationError } from '../../../kernel/errors.js';
import { type Fault, faultOfCode } from '../../copy-faults.js';
import { codeOfText } from '../../shell/error-text.js';
import type { Move, MoveFaults, Mover } from '../sides.port.js';
import { type GridftpServer, unreachable } from './control-channel.js';
import { isSendable, notSendable, urlPath } from './sendable-name.js';

/** Data connections of one transfer that stand still for so long are given up, in seconds. */
const STALL_SECONDS = 120;
const MAX_COMPLAINTS_CHARS = 1024 * 1024;
/** What it says when it is the connection, and not a file, that is at fault. */
const CONNECTION =
  /Unable to connect|Connection (refused|reset|timed out)|an end-of-file was reached|connection closed|Broken pipe/i;

export interface GlobusOptions {
  /** TCP streams of each file. */
  streams: number;
  /** Files under way at a time. */
  files: number;
}

/** Pushes local files to a GridFTP server, many with each call of Globus' own program. */
export class GlobusUrlCopy implements Mover {
  private readonly children = new Set<ChildProcess>();

  constructor(
    private readonly server: GridftpServer,
    private readonly options: GlobusOptions = { streams: 1, files: 2 },
  ) {}

  async move(moves: readonly Move[]): Promise<MoveFaults> {
    const faults = new Map<string, Fault>();
    const going = moves.filter((move) => isSendable(move.temporaryPath));
    moves.filter((move) => !going.includes(move)).forEach((move) => faults.set(move.id, notSendable()));
    if (going.length === 0) {
      return faults;
    }
    const folder = await mkdtemp(join(tmpdir(), 'dm-globus-'));
    try {
      const list = join(folder, 'list');
      // The list may hold a password, so nobody else reads it.
      await writeFile(list, going.map((move) => `${this.lineOf(move)}\n`).join(''), { mode: 0o600 });
      const complaints = await this.run(list);
      const code = codeOfText(complaints);
      if (code !== undefined && code !== 'ENOENT') {
        // Which file it was is not told for certain: whatever has arrived whole is found to have, in spite of this.
        const fault = faultOfCode(code, complaints.trim().slice(0, 500));
        going.forEach((move) => faults.set(move.id, fault));
      }
      return faults;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  close(): Promise<void> {
    this.children.forEach((child) => child.kill('SIGTERM'));
    return Promise.resolve();
  }

  private lineOf({ sourcePath, temporaryPath }: Move): string {
    const { address, port, user, password } = this.server;
    const account = user === 'anonymous' ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
    const host = address.includes(':') ? `[${address}]` : address;
    return `file://${urlPath(sourcePath)} ftp://${account}${host}:${port}${urlPath(temporaryPath)}`;
  }

  private async run(list: string): Promise<string> {
    const args = ['-c', '-q', '-st', String(STALL_SECONDS), '-p', String(this.options.streams)];
    const child = spawn('globus-url-copy', [...args, '-cc', String(this.options.files), '-f', list], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.children.add(child);
    let complaints = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaints.length < MAX_COMPLAINTS_CHARS) {
        complaints += chunk.toString('latin1');
      }
    });
    let isMissing = false;
    const exitCode = await new Promise<number | null>((resolve) => {
      child.once('error', () => {
        isMissing = true;
        resolve(null);
      });
      child.once('close', resolve);
    });
    this.children.delete(child);
    if (isMissing) {
      throw new StationError(
        'unavailable',
        'GLOBUS_URL_COPY_MISSING',
        'globus-url-copy is not installed on this machine. On Debian: apt-get install globus-gass-copy-progs',
        { retryable: false },
      );
    }
    if (exitCode === null || (exitCode !== 0 && CONNECTION.test(complaints))) {
      const place = `the GridFTP server ${this.server.address}:${this.server.port}`;
      throw unreachable(place, complaints.trim().split('\n').slice(0, 3).join(' ') || 'globus-url-copy was ended');
    }
    return complaints;
  }
}
