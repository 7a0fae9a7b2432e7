import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CreateEvent1790000000100 } from '../../migrations/postgres/1790000000100-create-event.js';
import { Database, openDataSource } from '../../src/platform/database/index.js';
import { EventLog, EventStore, type StationEvent } from '../../src/platform/events/index.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { waitFor } from '../support/wait-for.js';

describe(EventLog.name, () => {
  let place: TestDatabase;
  let database: Database;
  let store: EventStore;
  let log: EventLog;

  beforeEach(async () => {
    place = await createTestDatabase();
    database = await open();
    store = new EventStore(database);
    log = new EventLog(database, store);
    log.onApplicationBootstrap();
  });
  afterEach(async () => {
    await log.beforeApplicationShutdown();
    await database.onApplicationShutdown();
    await place.drop();
  });

  async function open(): Promise<Database> {
    return new Database(
      await openDataSource({ url: place.url, poolSize: 6, entities: [], migrations: [CreateEvent1790000000100] }),
    );
  }

  const anEvent = (n: number, type = 'a') => ({ type, data: { n } });
  const numbers = (events: readonly StationEvent[]) => events.map((event) => event.data['n']);

  it('announces what a transaction appended if it commits, and only then', async () => {
    const seen: StationEvent[] = [];
    log.subscribe('reader', ['a'], async (events) => {
      seen.push(...events);
    });
    const failing = database.transaction(async (tx) => {
      await log.append(tx, [anEvent(1)]);
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    await database.transaction((tx) => log.append(tx, [anEvent(2)]));
    await waitFor(() => seen.length > 0, { what: 'the event' });
    expect(numbers(seen)).toEqual([2]);
  });

  it('shows no reader an event before one that commits later but was written earlier', async () => {
    const seen: StationEvent[] = [];
    log.subscribe('reader', ['a'], async (events) => {
      seen.push(...events);
    });
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = database.transaction(async (tx) => {
      await log.append(tx, [anEvent(1)]);
      await held;
    });
    await log.append(database, [anEvent(2)]);
    await waitFor(() => seen.length === 1, { what: 'the quick one' });
    release();
    await slow;
    await waitFor(() => seen.length === 2, { what: 'the slow one' });
    expect(numbers(seen)).toEqual([2, 1]);
    expect(seen[1]?.id).toBeGreaterThan(seen[0]?.id ?? 0);
  });

  it('brings a batch again whose handler failed, and none that was taken', async () => {
    let attempts = 0;
    const seen: StationEvent[] = [];
    log.subscribe('reader', ['a'], async (events) => {
      attempts += 1;
      if (attempts === 1) {
        throw new Error('not now');
      }
      seen.push(...events);
    });
    await log.append(database, [anEvent(1), anEvent(2)]);
    await waitFor(() => seen.length >= 2, { what: 'the second attempt' });
    await log.append(database, [anEvent(3)]);
    await waitFor(() => seen.length >= 3, { what: 'the next event' });
    expect(numbers(seen)).toEqual([1, 2, 3]);
  });

  it('goes on for a consumer where it was before a restart', async () => {
    const before: StationEvent[] = [];
    log.subscribe('reader', ['a'], async (events) => {
      before.push(...events);
    });
    await log.append(database, [anEvent(1), anEvent(7, 'other type')]);
    await waitFor(() => before.length === 1, { what: 'the first event' });
    await waitFor(async () => (await store.cursor('reader')) > 0, { what: 'the cursor' });
    await log.beforeApplicationShutdown();
    await log.append(database, [anEvent(2)]);

    log = new EventLog(database, store);
    const after: StationEvent[] = [];
    log.subscribe('reader', ['a'], async (events) => {
      after.push(...events);
    });
    log.onApplicationBootstrap();
    await waitFor(() => after.length > 0, { what: 'the event after the restart' });
    expect(numbers(after)).toEqual([2]);
  });

  it('shows a reader only the experiments that it asks for', async () => {
    await log.append(database, [
      { type: 'a', experimentId: 1, data: { n: 1 } },
      { type: 'a', experimentId: 2, data: { n: 2 } },
      { type: 'a', data: { n: 3 } },
    ]);
    await waitFor(async () => (await store.latestId()) >= 3, { what: 'the feed' });
    expect(numbers(await store.read({ afterId: 0, experimentIds: [2], limit: 10 }))).toEqual([2]);
    expect(numbers(await store.read({ afterId: 0, limit: 10 }))).toEqual([1, 2, 3]);
  });

  it('forgets old events, but none that a consumer still has to see', async () => {
    await log.append(database, [anEvent(1), anEvent(2)]);
    await waitFor(async () => (await store.latestId()) >= 2, { what: 'the feed' });
    await database.query(`UPDATE event SET at = now() - interval '40 days'`);
    const [first] = await store.read({ afterId: 0, limit: 1 });
    await store.saveCursor(database, 'slow reader', first?.id ?? 0);
    await store.prune(30);
    expect(numbers(await store.read({ afterId: 0, limit: 10 }))).toEqual([2]);
  });
});
