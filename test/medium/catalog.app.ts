import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AdministratorSeed, AUTH_ENTITIES, AuthModule, authConfigSchema } from '../../src/auth/index.js';
import { catalogConfigSchema, CatalogModule } from '../../src/catalog/index.js';
import { EXPERIMENTS_ENTITIES, experimentsConfigSchema, ExperimentsModule } from '../../src/experiments/index.js';
import type { StationConfig } from '../../src/platform/config/index.js';
import { openDataSource } from '../../src/platform/database/index.js';
import { ProblemFilter, validationPipe } from '../../src/platform/http/index.js';
import { PlatformModule } from '../../src/platform/platform.module.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests reach into answers of every shape
  body: any;
}

const PASSWORD = 'seven wet horses';

/** The catalog module, with those below it, a real PostgreSQL and a real storage area, spoken to over HTTP. */
export class CatalogApp {
  private readonly tokens = new Map<string, string>();

  private constructor(
    readonly app: INestApplication,
    private readonly base: string,
    private readonly testDatabase: TestDatabase,
    private readonly home: string,
  ) {}

  static async start(): Promise<CatalogApp> {
    const testDatabase = await createTestDatabase();
    const home = await mkdtemp(join(tmpdir(), 'dm-catalog-'));
    const [dataDir, root] = [join(home, 'data'), join(home, 'store')];
    await Promise.all([dataDir, root].map((path) => mkdir(path, { recursive: true })));
    const dataSource = await openDataSource({
      url: testDatabase.url,
      poolSize: 10,
      entities: [...AUTH_ENTITIES, ...EXPERIMENTS_ENTITIES],
      migrations: [resolve(import.meta.dirname, '../../migrations/postgres/*.ts')],
    });
    const config = {
      station: { name: '99IDZ' },
      dataDir,
      redis: {},
      mongo: {},
      storage: { root, directoryMode: 0o2770, acl: [] },
      auth: authConfigSchema.parse({}),
      experiments: experimentsConfigSchema.parse({}),
      catalog: catalogConfigSchema.parse({}),
    } as unknown as StationConfig;
    const platform = PlatformModule.with({ config, dataSource, databaseUrl: testDatabase.url });
    const module = await Test.createTestingModule({
      imports: [platform, AuthModule, ExperimentsModule, CatalogModule],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    app.useGlobalPipes(validationPipe());
    app.useGlobalFilters(new ProblemFilter());
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const catalogApp = new CatalogApp(app, `http://127.0.0.1:${port}/api/v1`, testDatabase, home);
    await catalogApp.becomeAdministrator(dataDir);
    return catalogApp;
  }

  async request(
    as: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const token = this.tokens.get(as);
    const response = await fetch(`${this.base}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }

  /** Like {@link request}, for steps that are not what the test is about. */
  async ok(as: string, method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.request(as, method, path, body);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
    }
    return answer;
  }

  /** Creates an account and logs it in. */
  async user(username: string): Promise<void> {
    await this.ok('admin', 'POST', '/users', { username, password: PASSWORD });
    await this.login(username, PASSWORD);
  }

  openApi(): OpenAPIObject {
    return SwaggerModule.createDocument(this.app, new DocumentBuilder().build());
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.testDatabase.drop();
    await rm(this.home, { recursive: true, force: true });
  }

  private async becomeAdministrator(dataDir: string): Promise<void> {
    const seeded = await this.app.get(AdministratorSeed).ensure(dataDir);
    const currentPassword = (await readFile(seeded?.passwordFile ?? '', 'utf8')).trim();
    await this.login('admin', currentPassword);
    await this.ok('admin', 'POST', '/auth/password', { currentPassword, newPassword: PASSWORD });
    await this.login('admin', PASSWORD);
  }

  private async login(username: string, password: string): Promise<void> {
    const { body } = await this.ok('nobody', 'POST', '/auth/login', { username, password });
    this.tokens.set(username, body.token as string);
  }
}
