import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateEvent1790000000100 } from '../../migrations/postgres/1790000000100-create-event.js';
import { CreateAuth1790000001100 } from '../../migrations/postgres/1790000001100-create-auth.js';
import { CreateExperiment1790000002100 } from '../../migrations/postgres/1790000002100-create-experiment.js';
import { CreateJob1790000005100 } from '../../migrations/postgres/1790000005100-create-job.js';
import {
  AdministratorSeed,
  AUTH_ENTITIES,
  AuthModule,
  authConfigSchema,
  SYSTEM_PRINCIPAL,
} from '../../src/auth/index.js';
import {
  EXPERIMENTS_ENTITIES,
  experimentsConfigSchema,
  ExperimentsModule,
  ExperimentCreationService,
} from '../../src/experiments/index.js';
import type { StationConfig } from '../../src/platform/config/index.js';
import { Database, openDataSource } from '../../src/platform/database/index.js';
import { EventLog, type NewEvent } from '../../src/platform/events/index.js';
import { ProblemFilter, validationPipe } from '../../src/platform/http/index.js';
import { PlatformModule } from '../../src/platform/platform.module.js';
import { type JobView, ProcessingModule, processingConfigSchema } from '../../src/processing/index.js';
import { createTestDatabase } from '../support/postgres.js';
import { waitFor } from '../support/wait-for.js';

export interface Answer {
  status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests reach into answers of every shape
  body: any;
}

export interface Place {
  url: string;
  home: string;
  drop(): Promise<void>;
}

const PASSWORD = 'seven wet horses';
const JOB_ENDED = ['done', 'failed', 'aborted'];

/** The processing module with a real PostgreSQL, queue and processes, spoken to over HTTP. */
export class ProcessingApp {
  private tokens = new Map<string, Promise<string>>();

  private constructor(
    readonly place: Place,
    private readonly app: INestApplication,
    private readonly base: string,
  ) {}

  /** `on`: goes on with the data of another one, as after a restart. */
  static async start(processing: Record<string, unknown> = {}, on?: Place): Promise<ProcessingApp> {
    const place = on ?? { ...(await createTestDatabase()), home: await mkdtemp(join(tmpdir(), 'dm-processing-')) };
    const [dataDir, root] = [join(place.home, 'data'), join(place.home, 'store')];
    await Promise.all([dataDir, root].map((path) => mkdir(path, { recursive: true })));
    const dataSource = await openDataSource({
      url: place.url,
      poolSize: 10,
      entities: [...AUTH_ENTITIES, ...EXPERIMENTS_ENTITIES],
      migrations: [
        CreateEvent1790000000100,
        CreateAuth1790000001100,
        CreateExperiment1790000002100,
        CreateJob1790000005100,
      ],
    });
    const config = {
      station: { name: '99IDZ' },
      dataDir,
      redis: {},
      storage: { root, directoryMode: 0o2770, acl: [] },
      auth: authConfigSchema.parse({}),
      experiments: experimentsConfigSchema.parse({}),
      processing: processingConfigSchema.parse({ stopGraceSeconds: 0.5, ...processing }),
    } as unknown as StationConfig;
    const platform = PlatformModule.with({ config, dataSource, databaseUrl: place.url });
    const module = await Test.createTestingModule({
      imports: [platform, AuthModule, ExperimentsModule, ProcessingModule],
    }).compile();
    const app = module.createNestApplication({
      logger: process.env['DM_TEST_LOG'] === undefined ? false : ['error', 'warn', 'log'],
    });
    app.useGlobalPipes(validationPipe());
    app.useGlobalFilters(new ProblemFilter());
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    return new ProcessingApp(place, app, `http://127.0.0.1:${port}`);
  }

  get database(): Database {
    return this.app.get(Database);
  }

  get store(): string {
    return join(this.place.home, 'store');
  }

  async request(method: string, path: string, body?: unknown, as = 'admin'): Promise<Answer> {
    const response = await fetch(`${this.base}/api/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${await this.token(as)}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** A user with these roles, for `as`. */
  async user(username: string, ...roles: string[]): Promise<void> {
    await this.ok('POST', '/users', { username, password: PASSWORD });
    for (const role of roles) {
      await this.ok('PUT', `/users/${username}/roles/${role}`);
    }
  }

  async experiment(name: string): Promise<{ id: number; directory: string }> {
    const made = await this.app.get(ExperimentCreationService).create(SYSTEM_PRINCIPAL, { name });
    return { id: made.id, directory: made.storageDirectory };
  }

  /** Defines `admin/<name>`; a stage may be given as its command alone. */
  async define(name: string, stages: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<void> {
    const full = Object.fromEntries(
      Object.entries(stages).map(([key, stage]) => [key, typeof stage === 'string' ? { command: stage } : stage]),
    );
    await this.ok('PUT', `/workflows/admin/${name}`, { name, stages: full, ...more });
  }

  async submit(workflow: string, request: Record<string, unknown> = {}): Promise<JobView> {
    return (await this.ok('POST', '/jobs', { workflow: { owner: 'admin', name: workflow }, ...request })) as JobView;
  }

  async job(id: string): Promise<JobView> {
    return (await this.ok('GET', `/jobs/${id}`)) as JobView;
  }

  ended(id: string, timeoutMs = 20_000): Promise<JobView> {
    return this.reaches(id, (job) => JOB_ENDED.includes(job.status), 'the job to end', timeoutMs);
  }

  reaches(id: string, condition: (job: JobView) => boolean, what: string, timeoutMs = 20_000): Promise<JobView> {
    return waitFor(
      async () => {
        const job = await this.job(id);
        return condition(job) && job;
      },
      { timeoutMs, what },
    );
  }

  async run(workflow: string, request: Record<string, unknown> = {}): Promise<JobView> {
    return this.ended((await this.submit(workflow, request)).id);
  }

  announce(event: NewEvent): Promise<void> {
    return this.app.get(EventLog).append(this.database, [event]);
  }

  /** Events of these types so far, in order. */
  events(...types: string[]): Promise<{ type: string; subject: string; data: Record<string, unknown> }[]> {
    return this.database.query(`SELECT type, subject, data FROM event WHERE type = ANY($1) ORDER BY id`, [types]);
  }

  /** Ends the application and leaves its data. */
  async stop(): Promise<void> {
    await this.app.close();
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.place.drop();
    await rm(this.place.home, { recursive: true, force: true });
  }

  private async ok(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.request(method, path, body);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body as unknown;
  }

  private token(username: string): Promise<string> {
    let token = this.tokens.get(username);
    if (token === undefined) {
      token = username === 'admin' ? this.adminToken() : this.login(username, PASSWORD);
      this.tokens.set(username, token);
    }
    return token;
  }

  private async adminToken(): Promise<string> {
    const seeded = await this.app.get(AdministratorSeed).ensure(join(this.place.home, 'data'));
    if (seeded === null) {
      return this.login('admin', PASSWORD);
    }
    const { readFile } = await import('node:fs/promises');
    const generated = (await readFile(seeded.passwordFile, 'utf8')).trim();
    const token = await this.login('admin', generated);
    const response = await fetch(`${this.base}/api/v1/auth/password`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ currentPassword: generated, newPassword: PASSWORD }),
    });
    if (!response.ok) {
      throw new Error(`changing the password answered ${response.status}: ${await response.text()}`);
    }
    return token;
  }

  private async login(username: string, password: string): Promise<string> {
    const response = await fetch(`${this.base}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username, password }),
    });
    const body = (await response.json()) as { token?: string };
    if (body.token === undefined) {
      throw new Error(`login as ${username} answered ${response.status}: ${JSON.stringify(body)}`);
    }
    return body.token;
  }
}
