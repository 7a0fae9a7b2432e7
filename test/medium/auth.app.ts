import 'reflect-metadata';
import { Global, type INestApplication, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateEvent1790000000100 } from '../../migrations/postgres/1790000000100-create-event.js';
import { CreateAuth1790000001100 } from '../../migrations/postgres/1790000001100-create-auth.js';
import { CreateExperiment1790000002100 } from '../../migrations/postgres/1790000002100-create-experiment.js';
import { AdministratorSeed, AUTH_ENTITIES, AuthModule, authConfigSchema } from '../../src/auth/index.js';
import { EXPERIMENTS_ENTITIES, experimentsConfigSchema, ExperimentsModule } from '../../src/experiments/index.js';
import { CONFIG } from '../../src/platform/config/index.js';
import { Database, openDataSource } from '../../src/platform/database/index.js';
import { EventLog, EventStore } from '../../src/platform/events/index.js';
import { createRegistry, METRICS } from '../../src/platform/metrics/index.js';
import { ProblemFilter, validationPipe } from '../../src/platform/http/index.js';
import { createTestDatabase } from '../support/postgres.js';

export const ADMIN_PASSWORD = 'seven wet horses';

export interface Answer {
  status: number;
  headers: Headers;
  /** The body, parsed; whatever a test looks at it asserts. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests reach into answers of every shape
  body: any;
}

export interface AnswerOptions {
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** The modules auth and experiments with a real PostgreSQL and a real storage area, spoken to over HTTP. */
export interface AuthApp {
  app: INestApplication;
  database: Database;
  dataDir: string;
  storageRoot: string;
  request(method: string, path: string, options?: AnswerOptions): Promise<Answer>;
  /** Logs in and answers the session's token. */
  login(username: string, password: string): Promise<string>;
  /** A session of the administrator, whose password is {@link ADMIN_PASSWORD}. */
  admin(): Promise<string>;
  /** Creates a user with these roles and answers a session of theirs. */
  user(username: string, ...roles: string[]): Promise<string>;
  /** Types of all events so far that begin with `prefix`, in order. */
  eventTypes(prefix: string): Promise<string[]>;
  /** Ends this application; the next `startAuthApp` with it goes on with the same data. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

interface Options {
  auth?: Record<string, unknown>;
  experiments?: Record<string, unknown>;
  /** Goes on with the data of a stopped application. */
  after?: { url: string; drop(): Promise<void>; home: string };
}

export type Continued = AuthApp & NonNullable<Options['after']>;

export async function startAuthApp(options: Options = {}): Promise<Continued> {
  const created = options.after ?? {
    ...(await createTestDatabase()),
    home: await mkdtemp(join(tmpdir(), 'dm-auth-')),
  };
  const place = { url: created.url, drop: created.drop, home: created.home };
  const [dataDir, storageRoot] = [join(place.home, 'data'), join(place.home, 'store')];
  await Promise.all([dataDir, storageRoot].map((path) => mkdir(path, { recursive: true })));
  const dataSource = await openDataSource({
    url: place.url,
    poolSize: 10,
    entities: [...AUTH_ENTITIES, ...EXPERIMENTS_ENTITIES],
    migrations: [CreateEvent1790000000100, CreateAuth1790000001100, CreateExperiment1790000002100],
  });
  const config = {
    station: { name: '99IDZ' },
    dataDir,
    storage: { root: storageRoot, directoryMode: 0o2770, acl: [] },
    auth: authConfigSchema.parse(options.auth ?? {}),
    experiments: experimentsConfigSchema.parse(options.experiments ?? {}),
  };

  @Global()
  @Module({
    providers: [
      { provide: CONFIG, useValue: config },
      { provide: Database, useFactory: () => new Database(dataSource) },
      { provide: METRICS, useFactory: createRegistry },
      EventStore,
      EventLog,
    ],
    exports: [CONFIG, Database, METRICS, EventLog],
  })
  class TestPlatform {}

  const module = await Test.createTestingModule({ imports: [TestPlatform, AuthModule, ExperimentsModule] }).compile();
  const app = module.createNestApplication({ logger: false });
  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { ...place, ...speaking(app, `http://127.0.0.1:${port}`, { dataDir, storageRoot }), ...ending(app, place) };
}

function ending(app: INestApplication, place: NonNullable<Options['after']>): Pick<AuthApp, 'stop' | 'close'> {
  return {
    stop: () => app.close(),
    close: async () => {
      await app.close();
      await place.drop();
      await rm(place.home, { recursive: true, force: true });
    },
  };
}

function speaking(
  app: INestApplication,
  base: string,
  places: { dataDir: string; storageRoot: string },
): Omit<AuthApp, 'stop' | 'close'> {
  const database = app.get(Database);
  const request = async (method: string, path: string, options: AnswerOptions = {}): Promise<Answer> => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        ...(options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` }),
        ...(options.body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  };
  const login = async (username: string, password: string): Promise<string> => {
    const answer = await request('POST', '/api/v1/auth/login', { body: { username, password } });
    if (answer.status !== 200) {
      throw new Error(`login as ${username} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body.token as string;
  };
  const ok = async (method: string, path: string, options: AnswerOptions): Promise<void> => {
    const answer = await request(method, path, options);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
  };
  let adminToken: Promise<string> | undefined;
  const admin = (): Promise<string> => (adminToken ??= firstAdminSession());
  const firstAdminSession = async (): Promise<string> => {
    const seeded = await app.get(AdministratorSeed).ensure(places.dataDir);
    if (seeded === null) {
      return login('admin', ADMIN_PASSWORD);
    }
    const generated = (await readFile(seeded.passwordFile, 'utf8')).trim();
    const token = await login('admin', generated);
    const body = { currentPassword: generated, newPassword: ADMIN_PASSWORD };
    await ok('POST', '/api/v1/auth/password', { token, body });
    return token;
  };
  return {
    app,
    database,
    ...places,
    request,
    login,
    admin,
    user: async (username, ...roles) => {
      const token = await admin();
      const password = `password of ${username}`;
      await ok('POST', '/api/v1/users', { token, body: { username, password } });
      for (const role of roles) {
        await ok('PUT', `/api/v1/users/${username}/roles/${role}`, { token });
      }
      return login(username, password);
    },
    eventTypes: async (prefix) => {
      const rows = await database.query<{ type: string }>(
        `SELECT type FROM (SELECT 1 AS part, id, type FROM event UNION ALL SELECT 2, id, type FROM event_outbox) e
         WHERE starts_with(type, $1) ORDER BY part, id`,
        [prefix],
      );
      return rows.map((row) => row.type);
    },
  };
}
