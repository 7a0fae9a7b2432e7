import 'reflect-metadata';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AdministratorSeed } from '../../src/auth/index.js';
import { ApiClient, apiPath } from '../../src/cli/api-client.js';
import type { AcquisitionAnswer, ExperimentAnswer, LoginAnswer } from '../../src/cli/api-types.js';
import { ENTITIES } from '../../src/entities.js';
import { openDataSource } from '../../src/platform/database/index.js';
import { createApplication } from '../../src/station/http-application.js';
import { POSTGRES_MIGRATIONS } from '../../src/station/migrations.js';
import { loadStationConfig } from '../../src/station/station-config.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { waitFor } from '../support/wait-for.js';

const PASSWORD = 'seven wet horses';
const ENDED = ['done', 'failed', 'aborted'];

/** The station's application in this process, so that a test can reach into its parts, on a real database and disk. */
export class DaqApp {
  private readonly clients = new Map<string, Promise<ApiClient>>();

  private constructor(
    readonly app: NestExpressApplication,
    private readonly address: string,
    private readonly database: TestDatabase,
    /** Links resolved; made by this class. */
    readonly home: string,
  ) {}

  /** `settings`: environment; `overlay`: what the environment cannot say, or what names the home. */
  static async start(
    settings: Record<string, string> = {},
    overlay: (home: string) => Record<string, unknown> = () => ({}),
  ): Promise<DaqApp> {
    const database = await createTestDatabase();
    const home = await realpath(await mkdtemp(join(tmpdir(), 'dm-daq-')));
    const environment = {
      DM_DATA_DIR: join(home, 'data'),
      DM_SOURCE_ROOTS: join(home, 'detector'),
      DM_STORAGE_ROOT: join(home, 'storage'),
      DM_STORAGE_RESERVE_BYTES: '0',
      DM_QUIET_SECONDS: '0',
      DM_DAQ_RESCAN_SECONDS: '0.5',
      DM_LOG_LEVEL: 'fatal',
      ...settings,
    };
    await Promise.all(['data', 'detector'].map((name) => mkdir(join(home, name))));
    await writeFile(join(home, 'data/station.yaml'), JSON.stringify(overlay(home))); // JSON is YAML
    const config = loadStationConfig(environment, home);
    const dataSource = await openDataSource({
      url: database.url,
      poolSize: config.postgres.poolSize,
      entities: ENTITIES,
      migrations: POSTGRES_MIGRATIONS,
    });
    const app = await createApplication({ config, dataSource, databaseUrl: database.url });
    await app.listen(0, '127.0.0.1');
    return new DaqApp(app, await app.getUrl(), database, home);
  }

  /** A user's view; anybody but the administrator is made at the first mention, with these roles. */
  as(username: string, ...roles: string[]): Promise<ApiClient> {
    let client = this.clients.get(username);
    if (client === undefined) {
      client = username === 'admin' ? this.administrator() : this.newUser(username, roles);
      this.clients.set(username, client);
    }
    return client;
  }

  /** An experiment with a source directory of the same name, which is answered. */
  async experiment(name: string, ...members: string[]): Promise<{ source: string; storage: string }> {
    const admin = await this.as('admin');
    const { storageDirectory } = await admin.post<ExperimentAnswer>('/experiments', { name });
    for (const member of members) {
      await this.as(member);
      await admin.put(apiPath`/experiments/${name}/members/${member}`, { role: 'User' });
    }
    const source = join(this.home, 'detector', name);
    await mkdir(source);
    return { source, storage: storageDirectory };
  }

  async start(experiment: string, options: Record<string, unknown> = {}): Promise<AcquisitionAnswer> {
    const dataDirectory = join(this.home, 'detector', experiment);
    return (await this.as('admin')).post('/acquisitions', { kind: 'upload', experiment, dataDirectory, ...options });
  }

  async ended(id: string): Promise<AcquisitionAnswer> {
    const admin = await this.as('admin');
    return waitFor(
      async () => {
        const acquisition = await admin.get<AcquisitionAnswer>(`/acquisitions/${id}`);
        return ENDED.includes(acquisition.status) ? acquisition : undefined;
      },
      { timeoutMs: 30_000, what: `acquisition ${id} to end` },
    );
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.database.drop();
    await rm(this.home, { recursive: true, force: true });
  }

  private async newUser(username: string, roles: readonly string[]): Promise<ApiClient> {
    const admin = await this.as('admin');
    await admin.post('/users', { username, password: PASSWORD });
    for (const role of roles) {
      await admin.put(apiPath`/users/${username}/roles/${role}`);
    }
    return this.logIn(username, PASSWORD);
  }

  private async administrator(): Promise<ApiClient> {
    const seeded = await this.app.get(AdministratorSeed).ensure(join(this.home, 'data'));
    const first = (await readFile(seeded?.passwordFile ?? '', 'utf8')).trim();
    const newcomer = await this.logIn('admin', first);
    await newcomer.post('/auth/password', { currentPassword: first, newPassword: PASSWORD });
    return this.logIn('admin', PASSWORD);
  }

  private async logIn(username: string, password: string): Promise<ApiClient> {
    const nobody = new ApiClient({ address: this.address });
    const { token } = await nobody.post<LoginAnswer>('/auth/login', { username, password });
    return new ApiClient({ address: this.address, token });
  }
}
