import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from './repository-root.js';
import { killTree } from './process-tree.js';
import { waitFor } from './wait-for.js';

/** The build of this clone. */
export const STATION_COMMAND = [process.execPath, join(repositoryRoot, 'dist/src/main.js')];

export interface StationOptions {
  dataDirectory: string;
  /** Settings over those of every test station (a free port, JSON logs). */
  env?: Record<string, string>;
  /** Another way to start it than the build of this clone, such as `['npm', 'start']` in another folder. */
  command?: readonly string[];
  cwd?: string;
}

export interface StationEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A station as a process of its own, as its users run it. */
export class StationProcess {
  readonly ended: Promise<StationEnd>;
  #end: StationEnd | undefined;
  #stdout = '';
  #output = '';

  private constructor(private readonly child: ChildProcess) {
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#end = { code, signal };
        resolve(this.#end);
      });
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#output += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
  }

  /** Starts it and waits for nothing. */
  static launch(options: StationOptions): StationProcess {
    const [command = '', ...args] = options.command ?? STATION_COMMAND;
    const child = spawn(command, args, {
      cwd: options.cwd ?? options.dataDirectory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), DM_DATA_DIR: options.dataDirectory, DM_HTTP_PORT: '0', ...options.env },
    });
    return new StationProcess(child);
  }

  /** Starts it and waits until it answers. */
  static async start(options: StationOptions): Promise<StationProcess> {
    const station = StationProcess.launch(options);
    try {
      await waitFor(() => station.#end ?? station.#announcedUrl(), {
        timeoutMs: 180_000,
        what: 'the station to start',
      });
    } catch (error) {
      station.killTree();
      throw new Error(`The station did not start:\n${station.output}`, { cause: error });
    }
    if (station.#end !== undefined) {
      throw new Error(`The station ended (${JSON.stringify(station.#end)}) instead of starting:\n${station.output}`);
    }
    return station;
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Where it answers, without a slash at the end. */
  get url(): string {
    const url = this.#announcedUrl();
    if (url === undefined) {
      throw new Error(`The station has not said where it answers:\n${this.output}`);
    }
    return url;
  }

  /** All that it printed, standard output and standard error. */
  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#end === undefined;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Asks it to stop, and waits. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<StationEnd> {
    this.signal(signal);
    return this.ended;
  }

  /** kill -9 of the station alone. */
  async kill(): Promise<void> {
    await this.stop('SIGKILL');
  }

  /** kill -9 of the station and of everything that it started. */
  killTree(): number[] {
    return this.isRunning ? killTree(this.pid) : [];
  }

  async json(path: string, init: { method?: string; body?: unknown; token?: string } = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method: init.method ?? 'GET',
      headers: {
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(init.token === undefined ? {} : { authorization: `Bearer ${init.token}` }),
      },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as never };
  }

  #announcedUrl(): string | undefined {
    return /(http:\/\/\S+?)\/api\/v1/.exec(this.#stdout)?.[1];
  }
}

export interface Answer {
  status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the station answers
  body: any;
}

/**
 * Settings of whoever runs the tests must not reach the stations in them, nor what npm and vitest put there; and a
 * station finds its Node.js by itself.
 */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(?:DM_|npm_|VITEST|VITE_|INIT_CWD$|NODE_ENV$|NODE_OPTIONS$|TEST$|MODE$|PROD$|DEV$|SSR$|BASE_URL$)/;
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  const path = (own['PATH'] ?? '').split(':').filter((entry) => !entry.includes('node_modules'));
  return { ...own, PATH: path.join(':') };
}
