import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { EmbeddedPostgres } from '../../src/platform/embedded-postgres/index.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL on which specs may create databases; see `createTestDatabase`. */
    postgresUrl: string;
  }
}

interface SharedServer {
  url: string;
  users: number;
  stop: () => Promise<void>;
}

/** Each project runs this file by itself, in the same process: the server is shared through here. */
const shared = globalThis as typeof globalThis & { dmTestPostgres?: Promise<SharedServer> };

/** One PostgreSQL for the whole run: `DM_TEST_POSTGRES_URL`, or an embedded one in a temporary folder. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  shared.dmTestPostgres ??= startServer();
  const server = await shared.dmTestPostgres;
  server.users += 1;
  project.provide('postgresUrl', server.url);
  return async () => {
    server.users -= 1;
    if (server.users === 0) {
      delete shared.dmTestPostgres;
      await server.stop();
    }
  };
}

async function startServer(): Promise<SharedServer> {
  const given = process.env['DM_TEST_POSTGRES_URL'];
  if (given !== undefined && given !== '') {
    return { url: given, users: 0, stop: () => Promise.resolve() };
  }
  const directory = await mkdtemp(join(tmpdir(), 'dm-test-postgres-'));
  // Ours, so we may let the account pass that runs the server where the tests run as root.
  await chmod(directory, 0o711);
  const postgres = new EmbeddedPostgres({
    dataDirectory: directory,
    // Nothing here outlives the run, so nothing has to survive a power cut.
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' },
  });
  const stop = async (): Promise<void> => {
    await postgres.remove();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const { url } = await postgres.start();
    return { url, users: 0, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
