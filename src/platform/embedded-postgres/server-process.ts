import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { driverCode, StationError } from '../../kernel/errors.js';
import type { PostgresBinaries } from './binaries.js';
import type { ClusterPlace } from './cluster-place.js';
import { stopClusterProcesses } from './cluster-processes.js';
import type { LogFile } from './log-file.js';
import { asAccount, run, SERVER_ENVIRONMENT, toolError } from './processes.js';
import { serverArguments } from './server-settings.js';

export interface LaunchRequest {
  place: ClusterPlace;
  binaries: PostgresBinaries;
  log: LogFile;
  port: number;
  /** URL of the superuser on the maintenance database, to see whether the server answers. */
  maintenanceUrl: string;
  settings: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** Gives up a launch, since the station is to stop. */
  signal: AbortSignal;
}

export const POSTGRES_KILLED = 'POSTGRES_KILLED';

/** One run of the postmaster as our child: from its launch until it has ended. */
export class ServerProcess {
  /** How the postmaster ended; settles exactly once. */
  readonly ended: Promise<string>;
  #end: string | undefined;

  private constructor(
    private readonly child: ChildProcess,
    private readonly clusterDirectory: string,
  ) {
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#end ??= how;
        resolve(this.#end);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
  }

  /** Whether somebody else ended it, such as the kernel for want of memory: launched again it may well live. */
  get wasKilled(): boolean {
    return this.#end?.startsWith('signal') ?? false;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Launches the postmaster and waits until it answers a query; on failure nothing is left running. */
  static async launch(request: LaunchRequest): Promise<ServerProcess> {
    const before = request.log.position();
    const server = await ServerProcess.#spawn(request);
    try {
      await server.#untilReady(request, before);
      return server;
    } catch (error) {
      await server.stop(2_000);
      throw error;
    }
  }

  static async #spawn({ place, binaries, log, port, settings }: LaunchRequest): Promise<ServerProcess> {
    const output = log.open();
    try {
      const command = [...(await dieWithParent()), binaries.postgres];
      command.push(...serverArguments(place.clusterDirectory, port, settings));
      const child = spawn(command[0] ?? '', command.slice(1), {
        cwd: '/',
        env: SERVER_ENVIRONMENT,
        stdio: ['ignore', output, output],
        // A session of its own: Ctrl-C at a terminal reaches the station alone, which still needs its database to end.
        detached: true,
        ...asAccount(place.account),
      });
      return new ServerProcess(child, place.clusterDirectory);
    } finally {
      closeSync(output);
    }
  }

  async #untilReady(request: LaunchRequest, logPosition: number): Promise<void> {
    const deadline = Date.now() + request.timeoutMs;
    for (;;) {
      const answer = await answers(request.maintenanceUrl);
      if (answer === true) {
        return;
      }
      if (this.#end !== undefined) {
        throw this.wasKilled
          ? new StationError('unavailable', POSTGRES_KILLED, `PostgreSQL was killed as it started (${this.#end}).`)
          : toolError(`Starting PostgreSQL (${this.#end})`, request.log.since(logPosition));
      }
      if (driverCode(answer) === '28P01') {
        throw new StationError(
          'conflict',
          'POSTGRES_PASSWORD_WRONG',
          `The database in ${request.place.clusterDirectory} does not accept the password in the data directory's postgres/password. Restore that file from where the database came from.`,
        );
      }
      if (request.signal.aborted) {
        throw new StationError('unavailable', 'POSTGRES_START_CANCELLED', 'The start of PostgreSQL was given up.');
      }
      if (Date.now() > deadline) {
        throw new StationError(
          'timeout',
          'POSTGRES_START_TIMEOUT',
          `PostgreSQL did not answer within ${Math.round(request.timeoutMs / 1000)} s. What it says is in ${request.log.path}.`,
          { details: { log: request.log.since(logPosition) } },
        );
      }
      await pause(50);
    }
  }

  /** A fast shutdown (clients are disconnected, everything is written), then harder ones when that takes too long. */
  async stop(cleanMs: number): Promise<void> {
    if (this.#end === undefined && this.child.pid !== undefined) {
      this.child.kill('SIGINT');
      const waiting = new AbortController();
      const patience = pause(cleanMs, undefined, { signal: waiting.signal }).catch(() => undefined);
      await Promise.race([this.ended, patience]);
      waiting.abort();
    }
    await stopClusterProcesses(this.clusterDirectory, 0);
  }
}

/** `true`, or why not. */
async function answers(url: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch (error) {
    return error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

let deathSignal: Promise<string[]> | undefined;

/**
 * Where util-linux is there (every Debian), the kernel asks the server for a clean shutdown when the station dies, so
 * even a kill -9 leaves no server behind. Elsewhere the next start deals with the orphan.
 */
async function dieWithParent(): Promise<string[]> {
  const prefix = ['setpriv', '--pdeathsig', 'INT', '--'];
  deathSignal ??=
    process.platform === 'linux'
      ? run('setpriv', [...prefix.slice(1), 'true']).then(({ code }) => (code === 0 ? prefix : []))
      : Promise.resolve([]);
  return deathSignal;
}
