import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  url: string;
  /** Disconnects everybody and deletes the database; safe to call twice. */
  drop(): Promise<void>;
}

/** A new, empty database of this spec alone, on the run's server (see `global-setup.ts`). */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = inject('postgresUrl') as string | undefined;
  if (serverUrl === undefined) {
    throw new Error(
      'This project has no PostgreSQL; specs that need one belong to test/contract, test/medium or test/e2e.',
    );
  }
  const name = `test_${randomBytes(6).toString('hex')}`;
  await execute(serverUrl, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function execute(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: 20_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
