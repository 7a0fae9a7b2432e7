import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CreateEvent1790000000100 } from '../../migrations/postgres/1790000000100-create-event.js';
import { CreateAuth1790000001100 } from '../../migrations/postgres/1790000001100-create-auth.js';
import { CreateExperiment1790000002100 } from '../../migrations/postgres/1790000002100-create-experiment.js';
import { AUTH_ENTITIES } from '../../src/auth/index.js';
import { EXPERIMENTS_ENTITIES } from '../../src/experiments/index.js';
import { openDataSource } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

describe('the schema of users and experiments', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  beforeAll(async () => {
    database = await createTestDatabase();
    dataSource = await openDataSource({
      url: database.url,
      poolSize: 4,
      entities: [...AUTH_ENTITIES, ...EXPERIMENTS_ENTITIES],
      migrations: [CreateEvent1790000000100, CreateAuth1790000001100, CreateExperiment1790000002100],
    });
  });
  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  it('has every column as the entities say', async () => {
    for (const { tableName, columns } of dataSource.entityMetadatas) {
      const found: { name: string; type: string; nullable: string }[] = await dataSource.query(
        `SELECT column_name AS name, CASE data_type WHEN 'ARRAY' THEN udt_name WHEN 'timestamp with time zone' THEN 'timestamptz'
           ELSE data_type END AS type, is_nullable AS nullable
         FROM information_schema.columns WHERE table_name = $1`,
        [tableName],
      );
      const wanted = columns.map((column) => ({
        name: column.databaseName,
        type: column.isArray ? `_${String(column.type)}` : String(column.type),
        nullable: column.isNullable ? 'YES' : 'NO',
      }));
      const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name);

      expect(found.sort(byName), tableName).toEqual(wanted.sort(byName));
    }
  });

  it('goes back and forth', async () => {
    await dataSource.undoLastMigration();
    await dataSource.undoLastMigration();
    expect(await tables()).not.toContain('station_user');

    await dataSource.runMigrations();
    expect(await tables()).toEqual(expect.arrayContaining(['station_user', 'experiment', 'experiment_member']));
    expect(await dataSource.runMigrations()).toEqual([]);
  });

  async function tables(): Promise<string[]> {
    const rows: { name: string }[] = await dataSource.query(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
    );
    return rows.map((row) => row.name);
  }
});
