import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiClient } from '../../cli/api-client.js';
import { ApiError } from '../../cli/api-error.js';

/** Long enough for a first start on a slow disk: it makes a database. */
const START_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 30_000;
const LAST_LINES = 15;

export interface DemoStationOptions {
  /** Folder that holds everything of the demo. */
  root: string;
  /** A file counts as complete after this time without change, in seconds. */
  quietSeconds: number;
  /** Default: the `main.js` that was built together with this file. */
  program?: string;
}

/** A station of its own for the demo: another process, another port, nothing shared with a station that runs here. */
export class DemoStation {
  private child: ChildProcess | undefined;
  private port = 0;

  constructor(private readonly options: DemoStationOptions) {}

  get dataDirectory(): string {
    return join(this.options.root, 'station');
  }

  get detectorDirectory(): string {
    return join(this.options.root, 'detector');
  }

  get storageDirectory(): string {
    return join(this.options.root, 'storage');
  }

  get logFile(): string {
    return join(this.options.root, 'station.log');
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const program = this.options.program ?? join(import.meta.dirname, '..', '..', 'main.js');
    if (!existsSync(program)) {
      throw new Error(`The station is not built (${program} is missing); "npm run demo" builds it.`);
    }
    await Promise.all(
      [this.detectorDirectory, this.storageDirectory].map((directory) => mkdir(directory, { recursive: true })),
    );
    this.port = await freePort();
    const log = openSync(this.logFile, 'a');
    try {
      this.child = spawn(process.execPath, [program], {
        cwd: this.options.root,
        env: this.environment(),
        stdio: ['ignore', log, log],
      });
    } finally {
      closeSync(log);
    }
    await this.waitUntilReady(this.child);
  }

  async administratorPassword(): Promise<string> {
    return (await readFile(join(this.dataDirectory, 'admin-password'), 'utf8')).trim();
  }

  /** Asks it to stop as an operator would, and answers whether it did so cleanly. */
  async stop(): Promise<boolean> {
    const { child } = this;
    if (child === undefined || hasExited(child)) {
      return child !== undefined && child.exitCode === 0;
    }
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await exited;
    clearTimeout(killer);
    return child.exitCode === 0;
  }

  /** The end of its log, for a person who has to find out what went wrong. */
  async lastWords(): Promise<string> {
    const log = await readFile(this.logFile, 'utf8').catch(() => '');
    return log.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
  }

  /** Settings of the caller's own station must not leak in: a DM_POSTGRES_URL would point the demo at a real database. */
  private environment(): Record<string, string | undefined> {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('DM_'));
    return {
      ...Object.fromEntries(inherited),
      DM_DATA_DIR: this.dataDirectory,
      DM_HTTP_PORT: String(this.port),
      DM_STORAGE_ROOT: this.storageDirectory,
      DM_SOURCE_ROOTS: this.detectorDirectory,
      DM_QUIET_SECONDS: String(this.options.quietSeconds),
    };
  }

  private async waitUntilReady(child: ChildProcess): Promise<void> {
    const client = new ApiClient({ address: this.address, timeoutMs: 2000 });
    const deadline = Date.now() + START_LIMIT_MS;
    while (!(await isReady(client))) {
      if (hasExited(child) || Date.now() > deadline) {
        const how = hasExited(child)
          ? `ended while starting (${child.signalCode ?? `exit code ${child.exitCode}`})`
          : `was not ready within ${START_LIMIT_MS / 1000} s`;
        throw new Error(`The station ${how}. The end of its log:\n${await this.lastWords()}`);
      }
      await pause(100);
    }
  }
}

async function isReady(client: ApiClient): Promise<boolean> {
  try {
    return (await client.probe('/health/ready')).status === 200;
  } catch (error) {
    if (error instanceof ApiError) {
      return false;
    }
    throw error;
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
