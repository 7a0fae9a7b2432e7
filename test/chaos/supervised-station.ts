import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { atTheEnd } from '../bench/pieces/tidy-up.ts';
import { killTree, processTree } from '../support/process-tree.ts';
import { waitFor } from '../support/wait-for.ts';
import { type Places, clusterDirectory } from './places.ts';
import type { Timeline } from './timeline.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'src', 'main.js');
const START_LIMIT_MS = 180_000;
/** As `RestartSec` of a service unit. */
const RESTART_PAUSE_MS = 500;

/** The built station, started again whenever it ends, as a service manager would. */
export class SupervisedStation {
  /** Every process that was seen below it, over all its lives. */
  readonly everRunning = new Set<number>();
  starts = 0;
  private readonly places: Places;
  private readonly env: Record<string, string>;
  private readonly timeline: Timeline;
  private child: ChildProcess | undefined;
  private logFile = '';
  private token = '';
  private isWanted = true;
  /** Starts that came to nothing, such as by a database that was killed meanwhile; the next one had to do. */
  failedStarts = 0;
  /** Ends of a station that was up, and that nobody here caused. */
  readonly surprises: string[] = [];
  private isExpectingEnd = false;

  constructor(places: Places, env: Record<string, string>, timeline: Timeline) {
    this.places = places;
    this.env = env;
    this.timeline = timeline;
    atTheEnd(() => this.end());
  }

  async start(): Promise<void> {
    this.launch();
    await this.up();
    const password = readFileSync(join(this.places.data, 'admin-password'), 'utf8').trim();
    const { token } = await this.ask<{ token: string }>('POST', '/auth/login', { username: 'admin', password });
    this.token = token;
  }

  get pid(): number {
    return this.child?.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits until this life of it, or the next, answers. */
  async up(): Promise<void> {
    await waitFor(async () => this.isRunning && this.url !== undefined && (await this.isAlive()), {
      timeoutMs: START_LIMIT_MS,
      everyMs: 100,
      what: `the station to start; its log is ${this.logFile}`,
    });
    this.noteProcesses();
  }

  /** kill -9 of the process alone, or of all that it started, too. @returns whether there was anything to kill */
  kill(withTree: boolean): boolean {
    if (!this.isRunning) {
      return false;
    }
    this.noteProcesses();
    this.isExpectingEnd = true;
    if (withTree) {
      killTree(this.pid);
    } else {
      this.child?.kill('SIGKILL');
    }
    return true;
  }

  noteProcesses(): void {
    processTree(this.pid).forEach((pid) => this.everRunning.add(pid));
  }

  /** As an operator would. */
  async stop(): Promise<number | null> {
    this.noteProcesses();
    this.isWanted = false;
    this.child?.kill('SIGTERM');
    await waitFor(() => !this.isRunning, { timeoutMs: 60_000, what: 'the station to stop' });
    return this.child?.exitCode ?? null;
  }

  /** @throws when it does not answer, or not with success. */
  async ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    return (await (await this.request(method, path, body, 'application/json')).json()) as Answer;
  }

  /** All of a collection, line by line. */
  async lines<Item>(path: string): Promise<Item[]> {
    const text = await (await this.request('GET', path, undefined, 'application/x-ndjson')).text();
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Item);
  }

  /** A look into its database by our own connection. */
  async sql<Row extends pg.QueryResultRow>(statement: string, values: unknown[] = []): Promise<Row[]> {
    const state = JSON.parse(readFileSync(join(this.places.data, 'postgres', 'state.json'), 'utf8')) as {
      port: number;
    };
    const client = new pg.Client({
      host: '127.0.0.1',
      port: state.port,
      user: 'dm',
      database: 'dm_station',
      password: readFileSync(join(this.places.data, 'postgres', 'password'), 'utf8').trim(),
      connectionTimeoutMillis: 5000,
    });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(statement, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Id of the database's first process. */
  postmaster(): number | undefined {
    try {
      const text = readFileSync(join(clusterDirectory(this.places.data), 'postmaster.pid'), 'utf8');
      return Number(text.split('\n', 1)[0]);
    } catch {
      return undefined;
    }
  }

  private get url(): string | undefined {
    return /(http:\/\/\S+?)\/api\/v1/.exec(readFileSync(this.logFile, 'utf8').slice(0, 100_000))?.[1];
  }

  private async isAlive(): Promise<boolean> {
    const answer = await fetch(`${this.url}/health/live`, { signal: AbortSignal.timeout(5000) });
    return answer.ok;
  }

  private async request(method: string, path: string, body: object | undefined, accept: string): Promise<Response> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        accept,
        ...(this.token === '' ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    if (!response.ok) {
      throw new Error(
        `${method} ${path} was answered with ${response.status}: ${(await response.text()).slice(0, 500)}`,
      );
    }
    return response;
  }

  private launch(): void {
    this.starts += 1;
    this.isExpectingEnd = false;
    this.logFile = join(this.places.folder, `station-${this.starts}.log`);
    const log = openSync(this.logFile, 'w');
    const child = spawn(process.execPath, ['--enable-source-maps', PROGRAM], {
      cwd: this.places.data,
      stdio: ['ignore', log, log],
      env: { ...foreignEnvironment(), ...this.env },
    });
    closeSync(log);
    this.child = child;
    child.once('exit', (code, signal) => void this.onEnd(code ?? signal));
  }

  private async onEnd(how: number | string | null): Promise<void> {
    if (!this.isWanted) {
      return;
    }
    if (!this.isExpectingEnd) {
      const words = readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
      if (this.url === undefined) {
        this.failedStarts += 1;
      } else {
        this.surprises.push(`ended by itself (${how}) in life ${this.starts}:\n${words}`);
      }
      this.timeline.say(`!! the station ended by itself (${how}): ${words}`);
    }
    await pause(RESTART_PAUSE_MS);
    if (this.isWanted) {
      this.launch();
      this.timeline.say(`station started again (life ${this.starts})`);
    }
  }

  private end(): void {
    this.isWanted = false;
    if (this.isRunning) {
      killTree(this.pid);
    }
    const postmaster = this.postmaster();
    if (postmaster !== undefined && this.everRunning.has(postmaster)) {
      killTree(postmaster);
    }
  }
}

/** Settings of the station of whoever runs this must not reach this one. */
function foreignEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:DM_|VITEST|NODE_OPTIONS$|NODE_ENV$)/.test(name)),
  );
}
