import { afterAll } from 'vitest';
import { BullWorkQueue, PostgresBullBackend } from '../../../src/platform/queue/index.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.js';
import { workQueueContract } from './work-queue.suite.js';

const databases: TestDatabase[] = [];

afterAll(async () => {
  await Promise.all(databases.map((database) => database.drop()));
});

workQueueContract('PostgreSQL', async () => {
  const database = await createTestDatabase();
  databases.push(database);
  return new BullWorkQueue(new PostgresBullBackend(database.url, () => true));
});
