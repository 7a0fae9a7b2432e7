import { type ChildProcess, spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StationError } from '../../kernel/errors.js';
import type { RemoteHost } from '../hosts/hosts.config.js';
import { collect } from './collect.js';
import { connectionFolder } from './connection-folder.js';
import { type ScriptChild, ScriptProcess } from './script-process.js';
import type { Field, Shell, ShellAnswer } from './shell.port.js';
import { sshConfig } from './ssh-config.js';
import { sshTrouble } from './ssh-trouble.js';

/** Longer than ConnectTimeout and the key exchange take together; an account's login script may be slow. */
const GREETING_TIMEOUT_MS = 30_000;

/**
 * The scripts on another machine. One connection is kept open and every call is a session in it, so a call costs
 * milliseconds. The connection ends with the station, also when that is killed: its far end is a `cat` on our pipe.
 */
export class SshShell implements Shell {
  readonly place: string;
  private readonly children = new Set<ChildProcess>();
  private folder: Promise<string> | undefined;
  private connection: Promise<Connection> | undefined;
  private isClosed = false;

  constructor(
    readonly alias: string,
    private readonly host: RemoteHost,
  ) {
    this.place = `the host ${alias} (${host.address})`;
  }

  run(script: string, fields: readonly Field[]): Promise<ShellAnswer> {
    return collect((complaints) => this.stream(script, fields, complaints));
  }

  async *stream(
    script: string,
    fields: readonly Field[],
    onComplaints: (text: string) => void = () => undefined,
    signal?: AbortSignal,
  ): AsyncGenerator<Buffer[], void, void> {
    const child: ScriptChild = spawn('ssh', await this.arguments('exec bash -s'), {
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
    });
    this.children.add(child);
    try {
      const process = new ScriptProcess(child, script, fields);
      yield* process.portions();
      const end = await process.end();
      if (!end.isWhole) {
        throw sshTrouble(this.place, end.exitCode, end.complaints);
      }
      onComplaints(end.complaints);
    } finally {
      this.children.delete(child);
    }
  }

  /** What rsync is to call instead of ssh, and how it names the host; the connection is open then. */
  async forRsync(): Promise<{ command: string; host: string }> {
    await this.connect();
    const { address } = this.host;
    return {
      command: `ssh -F ${join(await this.openFolder(), 'config')}`,
      host: address.includes(':') ? `[${address}]` : address,
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.children.forEach((child) => child.kill('SIGTERM'));
    this.children.clear();
    this.connection = undefined;
    if (this.folder !== undefined) {
      await rm(await this.folder, { recursive: true, force: true });
    }
  }

  private async arguments(command: string): Promise<string[]> {
    await this.connect();
    return ['-F', join(await this.openFolder(), 'config'), '-T', this.host.address, command];
  }

  private openFolder(): Promise<string> {
    this.folder ??= (async () => {
      const folder = await connectionFolder();
      await writeFile(join(folder, 'config'), sshConfig(this.host, join(folder, 'c')), { mode: 0o600 });
      return folder;
    })();
    return this.folder;
  }

  private async connect(): Promise<void> {
    if (this.isClosed) {
      throw new StationError('unavailable', 'TRANSFER_STOPPED', 'The station is stopping; the work goes on later.');
    }
    this.connection ??= this.openConnection();
    try {
      await (
        await this.connection
      ).whenReady;
    } catch (error) {
      this.connection = undefined;
      throw error;
    }
  }

  private async openConnection(): Promise<Connection> {
    const folder = await this.openFolder();
    const args = ['-F', join(folder, 'config'), '-o', 'ControlMaster=yes', '-T', this.host.address, 'exec cat'];
    const child = spawn('ssh', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.children.add(child);
    child.once('close', () => {
      this.children.delete(child);
      this.connection = undefined;
    });
    return new Connection(child, this.place);
  }
}

/** The first session of a connection, which holds it open. */
class Connection {
  readonly whenReady: Promise<void>;

  constructor(child: ScriptChild, place: string) {
    let complaints = '';
    child.stderr.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString('latin1')).slice(0, 8192)));
    child.stdin.on('error', () => undefined);
    const timer = setTimeout(() => child.kill('SIGTERM'), GREETING_TIMEOUT_MS);
    this.whenReady = new Promise<void>((resolve, reject) => {
      child.once('error', (error) => reject(sshTrouble(place, 255, error.message)));
      child.once('close', (code) => reject(sshTrouble(place, code, complaints)));
      // Some of it may be what a login script says; anything means that the session is there.
      child.stdout.once('data', () => resolve());
    }).finally(() => clearTimeout(timer));
    child.stdout.resume();
    child.stdin.write('ready\n');
  }
}
