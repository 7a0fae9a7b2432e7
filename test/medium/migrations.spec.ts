import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENTITIES } from '../../src/entities.js';
import { openDataSource } from '../../src/platform/database/index.js';
import { POSTGRES_MIGRATIONS } from '../../src/station/migrations.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

const folder = join(import.meta.dirname, '..', '..', 'migrations', 'postgres');
const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));

describe('schema migrations', () => {
  let place: TestDatabase;

  beforeEach(async () => {
    place = await createTestDatabase();
  });
  afterEach(() => place.drop());

  const open = () =>
    openDataSource({ url: place.url, poolSize: 4, entities: ENTITIES, migrations: POSTGRES_MIGRATIONS });

  async function tables(): Promise<string[]> {
    const client = new pg.Client({ connectionString: place.url });
    await client.connect();
    const found = await client.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables
       WHERE table_schema = 'public' AND table_name <> 'schema_migration' ORDER BY 1`,
    );
    await client.end();
    return found.rows.map((row) => row.name);
  }

  async function close(dataSource: DataSource): Promise<void> {
    await dataSource.destroy();
  }

  it('bring an empty database up to date, and do nothing the second time', async () => {
    const first = await open();
    const made = await tables();
    expect(made).toEqual(expect.arrayContaining(['acquisition', 'event', 'experiment', 'ledger', 'replica']));
    await close(first);
    const second = await open();
    expect(await second.runMigrations()).toEqual([]);
    expect(await tables()).toEqual(made);
    await close(second);
  });

  it('can be taken back one by one down to nothing, and done again', async () => {
    const dataSource = await open();
    const made = await tables();
    for (const _file of files) {
      await dataSource.undoLastMigration();
    }
    expect(await tables()).toEqual([]);
    await dataSource.runMigrations();
    expect(await tables()).toEqual(made);
    await close(dataSource);
  });

  it('survive several starters at once', async () => {
    const opened = await Promise.all([open(), open(), open()]);
    expect(await opened[0]?.runMigrations()).toEqual([]);
    await Promise.all(opened.map(close));
  });

  it('are named by a number that only grows, and say the same number inside', () => {
    const numbers = files.map((name) => name.split('-')[0]);
    expect(new Set(numbers).size).toBe(files.length);
    expect(numbers.every((number) => /^\d{13}$/.test(number ?? ''))).toBe(true);
  });

  it('have every column that an entity asks for', async () => {
    const dataSource = await open();
    for (const metadata of dataSource.entityMetadatas) {
      const columns = await dataSource.query<{ column_name: string; is_nullable: string }[]>(
        `SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = $1`,
        [metadata.tableName],
      );
      const known = new Map(columns.map((column) => [column.column_name, column.is_nullable === 'YES']));
      for (const column of metadata.columns) {
        expect([metadata.tableName, column.databaseName, known.get(column.databaseName)]).toEqual([
          metadata.tableName,
          column.databaseName,
          column.isNullable,
        ]);
      }
    }
    await close(dataSource);
  });
});
