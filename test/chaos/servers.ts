import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { atTheEnd } from '../bench/pieces/tidy-up.ts';
import { freePort } from '../support/free-port.ts';
import { findMongoBinary } from '../support/mongo-binary.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Variant } from './options.ts';

/** A server beside the station that is killed and started again on the same port. */
export class Server {
  readonly name: string;
  readonly url: string;
  readonly version: string;
  private readonly launch: () => ChildProcess;
  private readonly port: number;
  private child: ChildProcess | undefined;

  constructor(facts: { name: string; url: string; version: string; port: number; launch: () => ChildProcess }) {
    this.name = facts.name;
    this.url = facts.url;
    this.version = facts.version;
    this.port = facts.port;
    this.launch = facts.launch;
    atTheEnd(() => this.kill());
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  async start(): Promise<void> {
    if (!this.isRunning) {
      this.child = this.launch();
      this.child.on('error', () => undefined);
      await waitFor(() => accepts(this.port), { timeoutMs: 60_000, what: `${this.name} on port ${this.port}` });
    }
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await waitFor(() => !this.isRunning, { what: `${this.name} to end` });
  }
}

/** Files per second that the station can bring to the end with these servers. */
export async function usualRate(variant: Variant): Promise<number> {
  // It has no index but that of ids: for each batch it looks at every document of the experiment.
  const isFerret = variant === 'redis-mongo' && (await findMongoBinary()).kind === 'ferretdb';
  return isFerret ? 20 : 80;
}

/** Its queues are in memory only: each kill loses them all. */
export async function redisIn(folder: string): Promise<Server | string> {
  const directory = join(folder, 'redis');
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  let version: string;
  try {
    version = execFileSync('redis-server', ['--version'], { encoding: 'utf8' }).trim();
  } catch {
    return 'there is no redis-server on the PATH (apt-get install redis-server)';
  }
  return new Server({
    name: 'redis-server',
    url: `redis://127.0.0.1:${port}/0`,
    version: /v=(\S+)/.exec(version)?.[1] ?? version,
    port,
    launch: () =>
      spawn(
        'redis-server',
        ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', '', '--appendonly', 'no'],
        { stdio: 'ignore' },
      ),
  });
}

/** `mongod`, or FerretDB as a server that speaks its protocol; what was stored before a kill stays. */
export async function mongoIn(folder: string): Promise<Server | string> {
  const binary = await findMongoBinary();
  if (binary.kind === 'none') {
    return binary.reason;
  }
  const directory = join(folder, 'mongo');
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const args =
    binary.kind === 'mongod'
      ? ['--dbpath', directory, '--bind_ip', '127.0.0.1', '--port', String(port), '--quiet']
      : [`127.0.0.1:${port}`, `file:${directory}/`];
  return new Server({
    name: binary.kind,
    url: `mongodb://127.0.0.1:${port}/chaos`,
    version: binary.kind === 'mongod' ? mongodVersion() : (/ferretdb-([\d.]+)/.exec(binary.path)?.[1] ?? 'unknown'),
    port,
    launch: () => spawn(binary.path, args, { stdio: 'ignore', cwd: directory }),
  });
}

function mongodVersion(): string {
  return /v([\d.]+)/.exec(execFileSync('mongod', ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown';
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
