import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BenchProblem } from './bench-problem.ts';
import { isRunning, ownerOf } from './process-ids.ts';
import { atTheEnd } from './tidy-up.ts';

const START_LIMIT_MS = 180_000;
const STOP_LIMIT_MS = 60_000;
const DATA_PREFIX = 'station-data-';

export interface StationPlaces {
  /** On a disk, as in production: the station's data, with the database, and its log lie here. */
  directory: string;
  storageRoot: string;
  sourceRoot: string;
}

/** The built station as a process of its own, with everything at its default but the places, spoken to over HTTP only. */
export class BenchStation {
  private readonly child: ChildProcess;
  private readonly dataDirectory: string;
  private readonly logFile: string;
  private url = '';
  private token = '';

  private constructor(child: ChildProcess, dataDirectory: string, logFile: string) {
    this.child = child;
    this.dataDirectory = dataDirectory;
    this.logFile = logFile;
  }

  /** `nodeOptions`: such as `--cpu-prof`, for who looks where the time goes. */
  static async start(places: StationPlaces, nodeOptions: readonly string[] = []): Promise<BenchStation> {
    const program = join(import.meta.dirname, '..', '..', '..', 'dist', 'src', 'main.js');
    if (!existsSync(program)) {
      throw new BenchProblem(`The station is not built: ${program} is missing. "npm run bench" builds it.`);
    }
    const dataDirectory = join(places.directory, `${DATA_PREFIX}${process.pid}`);
    const logFile = join(places.directory, 'station.log');
    [dataDirectory, places.storageRoot, places.sourceRoot].forEach((path) => mkdirSync(path, { recursive: true }));
    removeLeftovers(places.directory);
    const log = openSync(logFile, 'w');
    const child = spawn(process.execPath, [...nodeOptions, program], {
      cwd: dataDirectory,
      stdio: ['ignore', log, log],
      env: environmentOf(places, dataDirectory),
    });
    closeSync(log);
    const station = new BenchStation(child, dataDirectory, logFile);
    atTheEnd(() => station.remove());
    await station.waitUntilReady();
    await station.logIn();
    return station;
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  async get<Answer>(path: string): Promise<Answer> {
    return (await this.request(path, {})) as Answer;
  }

  async post<Answer>(path: string, body: object): Promise<Answer> {
    return (await this.request(path, { method: 'POST', body: JSON.stringify(body) })) as Answer;
  }

  async text(path: string): Promise<string> {
    return (await this.open(path, {})).text();
  }

  /** @throws BenchProblem with what the station said, when it said no. */
  async open(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(`${this.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
    });
    if (!response.ok) {
      const problem = (await response.text()).slice(0, 2000);
      throw new BenchProblem(`${init.method ?? 'GET'} ${path} was answered with ${response.status}: ${problem}`);
    }
    return response;
  }

  private async request(path: string, init: RequestInit): Promise<unknown> {
    return (await this.open(path, init)).json();
  }

  private async waitUntilReady(): Promise<void> {
    const deadline = Date.now() + START_LIMIT_MS;
    for (;;) {
      const announced = /(http:\/\/\S+?)\/api\/v1/.exec(readFileSync(this.logFile, 'utf8'))?.[1];
      if (announced !== undefined) {
        this.url = announced;
        return;
      }
      if (this.hasEnded() || Date.now() > deadline) {
        throw new BenchProblem(`The station did not start; its log is ${this.logFile}:\n${this.lastWords()}`);
      }
      await pause(50);
    }
  }

  private async logIn(): Promise<void> {
    const password = readFileSync(join(this.dataDirectory, 'admin-password'), 'utf8').trim();
    const { token } = await this.post<{ token: string }>('/api/v1/auth/login', { username: 'admin', password });
    this.token = token;
  }

  /** Ends it as an operator would, and takes its data away. */
  private async remove(): Promise<void> {
    if (!this.hasEnded()) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      const killer = setTimeout(() => this.child.kill('SIGKILL'), STOP_LIMIT_MS);
      await ended;
      clearTimeout(killer);
    }
    removeStationData(this.dataDirectory);
  }

  private hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private lastWords(): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  }
}

/** The embedded database lies elsewhere where its account cannot reach the data directory. */
function removeStationData(dataDirectory: string): void {
  const file = join(dataDirectory, 'postgres', 'state.json');
  if (existsSync(file)) {
    const { clusterDirectory } = JSON.parse(readFileSync(file, 'utf8')) as { clusterDirectory?: string };
    rmSync(resolve(dataDirectory, clusterDirectory ?? 'postgres'), { recursive: true, force: true });
  }
  rmSync(dataDirectory, { recursive: true, force: true });
}

/** A bench that was killed -9 could not take its station's data away. */
function removeLeftovers(directory: string): void {
  for (const name of readdirSync(directory)) {
    const owner = ownerOf(name, DATA_PREFIX);
    if (owner !== undefined && !isRunning(owner)) {
      removeStationData(join(directory, name));
    }
  }
}

/** Settings of the station of whoever runs the bench must not reach this one. */
function environmentOf(places: StationPlaces, dataDirectory: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:DM_|NODE_OPTIONS$|NODE_ENV$)/.test(name));
  return {
    ...Object.fromEntries(inherited),
    DM_DATA_DIR: dataDirectory,
    DM_HTTP_PORT: '0',
    DM_STORAGE_ROOT: places.storageRoot,
    DM_SOURCE_ROOTS: places.sourceRoot,
    // A tmpfs of just the size needed has no gigabyte to spare.
    DM_STORAGE_RESERVE_BYTES: '0',
    DM_LOG_FORMAT: 'json',
  };
}
