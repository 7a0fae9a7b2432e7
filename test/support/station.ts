import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { ApiClient, apiPath, type Query } from '../../src/cli/api-client.js';
import type {
  AcquisitionAnswer,
  AcquisitionCounts,
  AlarmAnswer,
  ExperimentAnswer,
  FileAnswer,
  LedgerRow,
  LoginAnswer,
  WhyFile,
} from '../../src/cli/api-types.js';
import { EmbeddedPostgres } from '../../src/platform/embedded-postgres/index.js';
import { createTestDatabase, type TestDatabase } from './postgres.js';
import { processTree } from './process-tree.js';
import { STATION_COMMAND, StationProcess } from './station-process.js';
import { waitFor } from './wait-for.js';

const PASSWORD = 'beam-dumped-at-midnight-7';
const ENDED = ['done', 'failed', 'aborted'];

/** An experiment with a source directory of its own. */
export interface Scene {
  experiment: string;
  /** Below the source root; made. */
  source: string;
  /** The experiment's directory in storage. */
  storage: string;
  /** Where files go without `destDirectory`. */
  data: string;
}

export interface Readiness {
  httpStatus: number;
  status: string;
  /** Names of the checks that failed. */
  down: string[];
  retryAfterSeconds: number | null;
}

export interface TestStationOptions {
  /** Environment of the station, over what every test station gets. */
  env?: Record<string, string>;
  /** Files for the folder, made before the first start: relative path and content. */
  files?: Record<string, string>;
  /** Settings that the environment cannot say, or that name the folder: the station's YAML overlay. */
  overlay?: (folder: string) => Record<string, unknown>;
  /**
   * File modes hold for the station, also where the tests run as root, which may read everything else: its process has
   * root's files, but not root's right to pass modes by. Its database is one of the run's server then, since it could
   * not enter the directory that an embedded one has to itself.
   */
  obeysModes?: boolean;
}

/** A start without the capabilities by which root passes modes by; as any other account nothing has to be taken away. */
const WITHOUT_PASSING_MODES =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--'] : [];

/** A station with its own folder, administrator and source root; everything of it goes with `dispose`. */
export class TestStation {
  #process: StationProcess | undefined;
  #client: ApiClient | undefined;
  #token: string | undefined;
  #database: TestDatabase | undefined;
  /** Every process that was seen below this station, over all its lives. */
  readonly everRunning = new Set<number>();

  private constructor(
    /** Links resolved; made by this class. */
    readonly folder: string,
    private readonly options: TestStationOptions,
  ) {}

  /** Makes the folder and starts the station in it, logged in as its administrator. */
  static async start(options: TestStationOptions = {}): Promise<TestStation> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'dm-station-')));
    // Ours, so we may let the account pass that runs the database where the tests run as root.
    await chmod(folder, 0o755);
    const station = new TestStation(folder, options);
    try {
      await Promise.all([station.dataDirectory, station.detector].map((directory) => mkdir(directory)));
      await station.#writeFiles();
      station.#database = options.obeysModes === true ? await createTestDatabase() : undefined;
      await station.restart();
      return station;
    } catch (error) {
      await station.dispose();
      throw error;
    }
  }

  get dataDirectory(): string {
    return join(this.folder, 'data');
  }

  /** The one configured source root. */
  get detector(): string {
    return join(this.folder, 'detector');
  }

  get storage(): string {
    return join(this.folder, 'storage');
  }

  get process(): StationProcess {
    if (this.#process === undefined) {
      throw new Error('The station has not been started.');
    }
    return this.#process;
  }

  /** The administrator's view; stays valid over restarts, though the port does not. */
  get api(): ApiClient {
    if (this.#client === undefined) {
      throw new Error('The station has not been started.');
    }
    return this.#client;
  }

  /** The administrator's session. */
  get token(): string {
    return this.#token ?? '';
  }

  /** A start (again) on the same data directory; answers when the station is there and the administrator logged in. */
  async restart(): Promise<void> {
    this.#process = await StationProcess.start(this.#startOptions());
    this.noteProcesses();
    this.#token ??= await this.#firstLogin();
    this.#client = new ApiClient({ address: this.process.url, token: this.#token, timeoutMs: 30_000 });
  }

  /** A start that nobody waits for; end it with `killStation` or `killTree`. */
  launch(env: Record<string, string> = {}): StationProcess {
    const options = this.#startOptions();
    this.#process = StationProcess.launch({ ...options, env: { ...options.env, ...env } });
    return this.#process;
  }

  /** As an operator would; fails when it does not end cleanly. */
  async stop(): Promise<void> {
    this.noteProcesses();
    const end = await this.process.stop();
    if (end.code !== 0) {
      throw new Error(`The station did not stop cleanly (${JSON.stringify(end)}):\n${this.process.output}`);
    }
  }

  /** kill -9 of the station's own process; its database and jobs are left to themselves. */
  async killStation(): Promise<void> {
    this.noteProcesses();
    await this.process.kill();
  }

  /** kill -9 of the station, its database and all else below it, at once. */
  async killTree(): Promise<void> {
    this.process.killTree().forEach((pid) => this.everRunning.add(pid));
    await this.process.ended;
  }

  noteProcesses(): void {
    if (this.process.isRunning) {
      processTree(this.process.pid).forEach((pid) => this.everRunning.add(pid));
    }
  }

  /** Safe to call in any state. */
  async dispose(): Promise<void> {
    if (this.#process?.isRunning === true) {
      await this.killTree();
    }
    await new EmbeddedPostgres({ dataDirectory: this.dataDirectory }).remove();
    await this.#database?.drop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** An experiment and a source directory, both of this name. */
  async scene(name: string): Promise<Scene> {
    const source = join(this.detector, name);
    await mkdir(source);
    const { storageDirectory } = await this.createExperiment(name);
    return { experiment: name, source, storage: storageDirectory, data: join(storageDirectory, 'data') };
  }

  createExperiment(name: string): Promise<ExperimentAnswer> {
    return this.api.post<ExperimentAnswer>('/experiments', { name });
  }

  startAcquisition(body: {
    kind: 'upload' | 'monitor';
    experiment: string;
    dataDirectory: string;
    [option: string]: unknown;
  }): Promise<AcquisitionAnswer> {
    return this.api.post<AcquisitionAnswer>('/acquisitions', body);
  }

  acquisition(id: string): Promise<AcquisitionAnswer> {
    return this.api.get<AcquisitionAnswer>(`/acquisitions/${id}`);
  }

  /** Waits until an acquisition is over and answers it. */
  ended(id: string, timeoutMs = 60_000): Promise<AcquisitionAnswer> {
    return waitFor(
      async () => {
        const acquisition = await this.acquisition(id);
        return ENDED.includes(acquisition.status) ? acquisition : undefined;
      },
      { timeoutMs, everyMs: 50, what: `acquisition ${id} to end` },
    );
  }

  /** One pass over the scene's source, to its end. */
  async upload(scene: Scene, options: Record<string, unknown> = {}): Promise<AcquisitionAnswer> {
    const { id } = await this.startAcquisition({
      kind: 'upload',
      experiment: scene.experiment,
      dataDirectory: scene.source,
      ...options,
    });
    return this.ended(id);
  }

  /** A monitor of the scene's source that has had its first look. */
  async monitor(scene: Scene, options: Record<string, unknown> = {}): Promise<AcquisitionAnswer> {
    const { id } = await this.startAcquisition({
      kind: 'monitor',
      experiment: scene.experiment,
      dataDirectory: scene.source,
      ...options,
    });
    return this.inStatus(id, 'running');
  }

  inStatus(id: string, status: string): Promise<AcquisitionAnswer> {
    return waitFor(
      async () => {
        const acquisition = await this.acquisition(id);
        return acquisition.status === status ? acquisition : undefined;
      },
      { timeoutMs: 30_000, everyMs: 50, what: `acquisition ${id} to be ${status}` },
    );
  }

  /** Waits until so many files of an acquisition are in a group of its counts. */
  counted(id: string, group: keyof AcquisitionCounts, count: number): Promise<AcquisitionAnswer> {
    return waitFor(
      async () => {
        const acquisition = await this.acquisition(id);
        return acquisition.counts[group] === count ? acquisition : undefined;
      },
      { timeoutMs: 60_000, everyMs: 50, what: `${count} files of ${id} to be ${group}` },
    );
  }

  /** Value of a metric without labels. */
  async metric(name: string): Promise<number | undefined> {
    const text = await (await fetch(`${this.process.url}/metrics`)).text();
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
    return value === undefined ? undefined : Number(value);
  }

  /** What `/health/ready` says; the checks are shown to this machine. */
  async readiness(): Promise<Readiness> {
    const answer = await fetch(`${this.process.url}/health/ready`);
    const { status, checks } = (await answer.json()) as {
      status: string;
      checks: { name: string; status: 'up' | 'down' }[];
    };
    const retryAfter = answer.headers.get('retry-after');
    return {
      httpStatus: answer.status,
      status,
      down: checks.filter((check) => check.status === 'down').map((check) => check.name),
      retryAfterSeconds: retryAfter === null ? null : Number(retryAfter),
    };
  }

  ledger(scene: Scene, query: Query = {}): Promise<LedgerRow[]> {
    return this.api.allItems<LedgerRow>(apiPath`/experiments/${scene.experiment}/ledger`, query);
  }

  files(scene: Scene): Promise<FileAnswer[]> {
    return this.api.allItems<FileAnswer>(apiPath`/experiments/${scene.experiment}/files`);
  }

  /** `path`: text form, relative to the experiment. */
  file(scene: Scene, path: string, version?: number): Promise<FileAnswer> {
    return this.api.get<FileAnswer>(apiPath`/experiments/${scene.experiment}/files/by-path`, { path, version });
  }

  why(scene: Scene, path: string): Promise<WhyFile> {
    return this.api.get<WhyFile>(apiPath`/experiments/${scene.experiment}/why`, { path });
  }

  /** Waits until the newest row of a path is in a state. */
  row(scene: Scene, path: string, state: string): Promise<LedgerRow> {
    return waitFor(
      async () => {
        const [newest] = await this.ledger(scene, { path });
        return newest?.state === state ? newest : undefined;
      },
      { timeoutMs: 30_000, everyMs: 50, what: `${path} to be ${state}` },
    );
  }

  async alarms(): Promise<AlarmAnswer[]> {
    return (await this.api.get<{ items: AlarmAnswer[] }>('/alarms')).items;
  }

  async stopAcquisition(id: string): Promise<AcquisitionAnswer> {
    await this.api.post(`/acquisitions/${id}/stop`);
    return this.ended(id);
  }

  #startOptions() {
    return {
      dataDirectory: this.dataDirectory,
      ...(this.#database === undefined ? {} : { command: [...WITHOUT_PASSING_MODES, ...STATION_COMMAND] }),
      env: {
        DM_STORAGE_ROOT: this.storage,
        DM_SOURCE_ROOTS: this.detector,
        DM_QUIET_SECONDS: '0.3',
        DM_DAQ_RESCAN_SECONDS: '1',
        DM_STORAGE_RESERVE_BYTES: '0',
        ...(this.#database === undefined ? {} : { DM_POSTGRES_URL: this.#database.url }),
        ...this.options.env,
      },
    };
  }

  async #writeFiles(): Promise<void> {
    const overlay = this.options.overlay?.(this.folder);
    const files = {
      ...this.options.files,
      ...(overlay === undefined ? {} : { 'data/station.yaml': JSON.stringify(overlay) }), // JSON is YAML
    };
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(this.folder, path, '..'), { recursive: true });
      await writeFile(join(this.folder, path), content);
    }
  }

  async #firstLogin(): Promise<string> {
    const first = (await readFile(join(this.dataDirectory, 'admin-password'), 'utf8')).trim();
    const nobody = new ApiClient({ address: this.process.url });
    const { token } = await nobody.post<LoginAnswer>('/auth/login', { username: 'admin', password: first });
    const admin = new ApiClient({ address: this.process.url, token });
    await admin.post('/auth/password', { currentPassword: first, newPassword: PASSWORD });
    return (await nobody.post<LoginAnswer>('/auth/login', { username: 'admin', password: PASSWORD })).token;
  }
}

/** One station for a whole spec (or a `describe`), cleaned up whatever becomes of the tests. */
export function aStation(options: TestStationOptions | (() => TestStationOptions) = {}): () => TestStation {
  let station: TestStation | undefined;
  beforeAll(async () => {
    station = await TestStation.start(typeof options === 'function' ? options() : options);
  });
  afterAll(() => station?.dispose());
  return () => {
    if (station === undefined) {
      throw new Error('The station is there only while tests run.');
    }
    return station;
  };
}
