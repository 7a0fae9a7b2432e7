import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresFileCatalog } from '../../../src/catalog/postgres/postgres-file-catalog.js';
import { Database, openDataSource } from '../../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.js';
import { aFile, type CatalogServer, expectExactStatistics } from './catalog-scene.js';
import { fileCatalogContract } from './file-catalog.contract.js';

describe('FileCatalog contract: PostgreSQL', () => {
  let testDatabase: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    database = new Database(
      await openDataSource({
        url: testDatabase.url,
        poolSize: 10,
        entities: [],
        migrations: [resolve(import.meta.dirname, '../../../migrations/postgres/*.ts')],
      }),
    );
  });
  afterAll(async () => {
    await database.onApplicationShutdown();
    await testDatabase.drop();
  });

  let number = 0;
  const server: CatalogServer = {
    open: (options = { queryTimeLimitMs: 60_000 }) => new PostgresFileCatalog(database, options),
    newExperiment: async () => {
      const [row] = await database.query<{ id: number }>(
        `INSERT INTO experiment (name, station_name, type_id)
         VALUES ($1, '99IDZ', (SELECT min(id) FROM experiment_type)) RETURNING id`,
        [`catalog-${(number += 1)}`],
      );
      return row?.id ?? 0;
    },
    cannot: new Set(),
  };

  fileCatalogContract(() => server);

  it('refuses files of an experiment that is gone', async () => {
    await expect(server.open().upsertMany(999_999, [aFile()])).rejects.toMatchObject({ code: 'EXPERIMENT_NOT_FOUND' });
  });

  it('goes with its experiment', async () => {
    const experiment = await server.newExperiment();
    await server.open().upsertMany(experiment, [aFile()]);
    await database.query('DELETE FROM experiment WHERE id = $1', [experiment]);
    const rows = await database.query('SELECT id FROM catalog_file WHERE experiment_id = $1', [experiment]);
    expect(rows).toEqual([]);
  });

  it('does not deadlock when an experiment is deleted under its writers', async () => {
    const experiment = await server.newExperiment();
    const catalog = server.open();
    await catalog.upsertMany(experiment, [aFile()]);
    const writes = Array.from({ length: 20 }, (_unused, index) =>
      catalog.upsertMany(experiment, [aFile({ path: `f${index}` })]).catch((error: unknown) => error),
    );
    const deletion = database.query('DELETE FROM experiment WHERE id = $1', [experiment]);
    const outcomes = await Promise.all([...writes, deletion]);
    const failures = outcomes.filter((outcome) => outcome instanceof Error);
    expect(failures.every((failure) => 'code' in failure && failure.code === 'EXPERIMENT_NOT_FOUND')).toBe(true);
    expect(await database.query('SELECT id FROM catalog_file WHERE experiment_id = $1', [experiment])).toEqual([]);
  });

  it('rolls a batch back whole, counters included, when its transaction dies', async () => {
    const experiment = await server.newExperiment();
    const catalog = server.open();
    const { ids } = await catalog.upsertMany(experiment, [aFile()]);
    const taken = aFile({ path: 'b', id: ids[0] ?? '' });
    await expect(catalog.upsertMany(experiment, [aFile({ path: 'a' }), taken])).rejects.toThrow();
    await expectExactStatistics(catalog, experiment);
    expect(await catalog.getByPath(experiment, 'a')).toBeUndefined();
  });
});
