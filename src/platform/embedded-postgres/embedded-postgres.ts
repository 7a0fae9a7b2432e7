import { realpath, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { messageOf, StationError } from '../../kernel/errors.js';
import { locateBinaries, type PostgresBinaries } from './binaries.js';
import { ensureRuntimeDirectory, placeCluster, type ClusterPlace } from './cluster-place.js';
import { stopClusterProcesses } from './cluster-processes.js';
import { ClusterPaths, ensurePassword, readState, writeState } from './cluster-state.js';
import { ensureCluster, SUPERUSER } from './create-cluster.js';
import type { EmbeddedPostgresOptions } from './embedded-postgres.options.js';
import { freePort } from './free-port.js';
import { LogFile } from './log-file.js';
import { chooseAccount } from './os-account.js';
import { ensureOwnDirectory } from './own-directory.js';
import { explainDiskFull } from './processes.js';
import { POSTGRES_KILLED, ServerProcess } from './server-process.js';

const RUNTIME_DIRECTORY = '/var/lib/dm-station';
const DATABASE = 'dm_station';
/** Waits between attempts to restart a server that died: quick at first, since most deaths are accidents. */
const BACKOFF_MS = [100, 500, 1_000, 2_000, 5_000, 10_000, 30_000];

/** How often a start tries: the port may be taken, the server may be killed. */
const MOST_LAUNCHES = 5;

/** How long after a broken connection the end of the server may be noticed, on a machine that is busy. */
const KILL_NOTICE_MS = 5_000;

/** Everything that one start has settled and a restart uses again. */
interface Running {
  paths: ClusterPaths;
  place: ClusterPlace;
  binaries: PostgresBinaries;
  log: LogFile;
  password: string;
  port: number;
  server: ServerProcess;
}

/**
 * One PostgreSQL server that this process owns: made when missing, started, restarted when it dies, stopped. Whoever
 * starts it must hold the data directory's lock, since a server found running on the cluster is taken for an orphan of
 * an earlier station and stopped.
 */
export class EmbeddedPostgres {
  #running: Running | undefined;
  #restarting: Promise<void> | undefined;
  #starting: Promise<{ url: string }> | undefined;
  #stopping = new AbortController();

  constructor(private readonly options: EmbeddedPostgresOptions) {}

  /** Process id of the postmaster, while there is one. */
  get pid(): number | undefined {
    return this.#running?.server.pid;
  }

  /** @returns the URL of the station's database, as its owner; it holds until `stop`, restarts included. */
  async start(): Promise<{ url: string }> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<{ url: string }> {
    const prepared = await this.#prepare().catch((error: unknown) => {
      throw explainDiskFull('Preparing the database', error);
    });
    for (let attempt = 1; ; attempt += 1) {
      const running = await this.#launchOnAnyPort(prepared);
      this.#running = running;
      try {
        await ensureDatabase(urlOf(running, 'postgres'));
        this.#watch(running.server);
        return { url: this.#url(running) };
      } catch (error) {
        // The connection may break a moment before the end of the process is told.
        await Promise.race([running.server.ended, pause(KILL_NOTICE_MS)]);
        const { wasKilled } = running.server;
        await this.#shutDown();
        if (!wasKilled || attempt === MOST_LAUNCHES) {
          throw error;
        }
      }
    }
  }

  /** Ends with no process of the server left; safe to call at any time and more than once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    // A start or restart that is under way gives up and cleans up after itself.
    await this.#starting?.catch(() => undefined);
    await this.#restarting;
    await this.#shutDown();
    this.#starting = undefined;
    this.#stopping = new AbortController();
  }

  async #shutDown(): Promise<void> {
    const running = this.#running;
    if (running !== undefined) {
      await running.server.stop(this.options.stopTimeoutMs ?? 20_000);
      running.log.close();
      this.#running = undefined;
    }
  }

  /** Stops the server and deletes its cluster, wherever it lies; for demonstrations and tests. */
  async remove(): Promise<void> {
    await this.stop();
    const paths = new ClusterPaths(await realpath(this.options.dataDirectory));
    const { clusterDirectory } = await readState(paths);
    if (clusterDirectory !== undefined) {
      await stopClusterProcesses(clusterDirectory, 0);
      const isInside = dirname(clusterDirectory) === paths.directory;
      await rm(isInside ? clusterDirectory : dirname(clusterDirectory), { recursive: true, force: true });
    }
    await rm(paths.directory, { recursive: true, force: true });
  }

  async #prepare(): Promise<Omit<Running, 'server'>> {
    const paths = new ClusterPaths(await realpath(this.options.dataDirectory));
    // The server's account passes through, and sees nothing: what is in it is 0600 or its own.
    await ensureOwnDirectory(paths.directory, 0o711);
    const state = await readState(paths);
    await writeState(paths, state);
    const account = await chooseAccount(this.options.osUser);
    const runtimeDirectory = this.options.runtimeDirectory ?? RUNTIME_DIRECTORY;
    const place = await placeCluster({
      paths,
      state,
      account,
      accountIsWanted: this.options.osUser !== undefined,
      runtimeDirectory,
    });
    await writeState(paths, { ...state, clusterDirectory: place.clusterDirectory });
    const binaries = await locateBinaries(place.account, () => ensureRuntimeDirectory(runtimeDirectory));
    const stopped = await stopClusterProcesses(place.clusterDirectory);
    if (stopped > 0) {
      this.#say(`Stopped ${stopped} processes of a database server that an earlier station left behind.`);
    }
    const password = await ensurePassword(paths);
    await ensureCluster(place, binaries, password);
    const port = await freePort(state.port);
    return { paths, place, binaries, log: new LogFile(paths.log), password, port };
  }

  /**
   * Another program may take the port between our look and the server's: then the next free one. A server that was
   * killed as it started is launched again.
   */
  async #launchOnAnyPort(prepared: Omit<Running, 'server'>): Promise<Running> {
    let { port } = prepared;
    for (let attempt = 1; ; attempt += 1) {
      const state = await readState(prepared.paths);
      await writeState(prepared.paths, { ...state, clusterDirectory: prepared.place.clusterDirectory, port });
      try {
        return { ...prepared, port, server: await this.#launch({ ...prepared, port }) };
      } catch (error) {
        const isPortTaken = /could not bind|address already in use/i.test(messageOf(error));
        if (attempt === MOST_LAUNCHES || !(isPortTaken || isKilled(error))) {
          prepared.log.close();
          throw error;
        }
        port = isPortTaken ? await freePort() : port;
      }
    }
  }

  async #launch(prepared: Omit<Running, 'server'>): Promise<ServerProcess> {
    // PostgreSQL would refuse to start when the pid in a stale file belongs to some other program by now.
    await rm(`${prepared.place.clusterDirectory}/postmaster.pid`, { force: true });
    return ServerProcess.launch({
      ...prepared,
      maintenanceUrl: urlOf(prepared, 'postgres'),
      settings: this.options.settings ?? {},
      timeoutMs: this.options.startTimeoutMs ?? 120_000,
      signal: this.#stopping.signal,
    });
  }

  #watch(server: ServerProcess): void {
    const { signal } = this.#stopping;
    void server.ended.then((reason) => {
      if (!signal.aborted) {
        this.options.onDown?.({ reason });
        this.#restarting = this.#restart(Date.now());
      }
    });
  }

  async #restart(downSince: number): Promise<void> {
    const running = this.#running;
    const stopping = this.#stopping.signal;
    for (let attempt = 1; running !== undefined && !stopping.aborted; attempt += 1) {
      const delayMs = BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length) - 1] ?? 0;
      await pause(delayMs, undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) {
        return;
      }
      try {
        // Backends outlive a postmaster that was killed for a moment, and hold the memory that a new one needs.
        await stopClusterProcesses(running.place.clusterDirectory, 0);
        running.server = await this.#launch(running);
        this.#watch(running.server);
        this.options.onRestart?.({ url: this.#url(running), attempts: attempt, downMs: Date.now() - downSince });
        return;
      } catch (error) {
        const next = BACKOFF_MS[Math.min(attempt + 1, BACKOFF_MS.length) - 1] ?? 0;
        this.options.onRestartFailed?.(error, next);
      }
    }
  }

  #url(running: Running): string {
    return urlOf(running, DATABASE);
  }

  #say(message: string): void {
    this.options.log?.(message);
  }
}

function urlOf({ password, port }: { password: string; port: number }, database: string): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;
}

function isKilled(error: unknown): boolean {
  return error instanceof StationError && error.code === POSTGRES_KILLED;
}

async function ensureDatabase(maintenanceUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: maintenanceUrl, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (found.rowCount === 0) {
      await client.query(`CREATE DATABASE ${DATABASE} TEMPLATE template0 ENCODING 'UTF8'`);
    }
  } catch (error) {
    throw new StationError(
      'unavailable',
      'POSTGRES_DATABASE_FAILED',
      `Creating the station's database failed: ${messageOf(error)}`,
      { cause: error },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
