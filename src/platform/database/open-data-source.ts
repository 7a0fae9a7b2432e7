import { DataSource, type DataSourceOptions, type EntitySchema, type MixedList } from 'typeorm';

export interface DataSourceSettings {
  url: string;
  poolSize: number;
  entities: MixedList<string | EntitySchema | (new () => unknown)>;
  migrations: NonNullable<DataSourceOptions['migrations']>;
}

/** Opens the pool and brings the schema up to date; a second starter waits for the first on an advisory lock. */
export async function openDataSource(settings: DataSourceSettings): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'postgres',
    url: settings.url,
    poolSize: settings.poolSize,
    applicationName: 'dm-station',
    connectTimeoutMS: 10_000,
    // A client that dies while idle is the pool's business; the next query says what is the matter.
    poolErrorHandler: () => undefined,
    entities: settings.entities as NonNullable<DataSourceOptions['entities']>,
    migrations: settings.migrations,
    migrationsTableName: 'schema_migration',
    migrationsTransactionMode: 'each',
    extra: { keepAlive: true },
  });
  await dataSource.initialize();
  try {
    await migrate(dataSource);
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
  return dataSource;
}

/** Any number that no other part of this database uses as an advisory lock. */
const MIGRATION_LOCK = 7_236_001;

async function migrate(dataSource: DataSource): Promise<void> {
  const runner = dataSource.createQueryRunner();
  await runner.connect();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations();
  } finally {
    await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    await runner.release();
  }
}
