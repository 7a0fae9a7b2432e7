import { createServer, connect, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CreateStationLease1790000000500 } from '../../migrations/postgres/1790000000500-create-station-lease.js';
import { DatabaseLease, ownFacts, type LeaseFacts } from '../../src/platform/instance/index.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { waitFor } from '../support/wait-for.js';

describe('DatabaseLease', () => {
  let database: TestDatabase;
  const leases: DatabaseLease[] = [];

  beforeEach(async () => {
    database = await createTestDatabase();
  });

  afterEach(async () => {
    await Promise.all(leases.splice(0).map((lease) => lease.release()));
    await database.drop();
  });

  function lease(
    facts: Partial<LeaseFacts> = {},
    url = database.url,
  ): { lease: DatabaseLease; lost: Partial<LeaseFacts>[] } {
    const lost: Partial<LeaseFacts>[] = [];
    const made = new DatabaseLease({
      url,
      facts: { ...ownFacts(), dataDirectory: '/data/one', ...facts },
      onLost: (holder) => lost.push(holder),
      patienceMs: 300,
    });
    leases.push(made);
    return { lease: made, lost };
  }

  async function migrate(): Promise<void> {
    const dataSource = new DataSource({
      type: 'postgres',
      url: database.url,
      migrations: [CreateStationLease1790000000500],
    });
    await dataSource.initialize();
    await dataSource.runMigrations();
    await dataSource.destroy();
  }

  test('refuses a second station and names the first, its address and its data directory', async () => {
    await migrate();
    const first = lease({ pid: 4711, host: 'sec99' }).lease;
    await first.acquire();
    await first.update({ url: 'http://sec99:22236' });

    await expect(lease({ pid: 4712 }).lease.acquire()).rejects.toMatchObject({
      kind: 'conflict',
      code: 'DATABASE_ALREADY_IN_USE',
      message: expect.stringMatching(/process id 4711 on sec99 .*http:\/\/sec99:22236.*\/data\/one/) as string,
    });
  });

  test('names the first even before the first migration has run', async () => {
    await lease({ pid: 4711, host: 'sec99' }).lease.acquire();

    await expect(lease({ pid: 4712 }).lease.acquire()).rejects.toThrow(/process id 4711 on sec99/);
  });

  test('lets only one of many simultaneous starters in', async () => {
    await migrate();
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, pid) => lease({ pid }).lease.acquire()));

    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('is free after release, without a trace', async () => {
    await migrate();
    const first = lease().lease;
    await first.acquire();
    await first.release();

    await lease({ pid: 4712 }).lease.acquire();

    expect(await rows('SELECT pid FROM station_lease')).toEqual([{ pid: 4712 }]);
  });

  test('takes itself back when its session was ended, as by a restart of the server', async () => {
    await migrate();
    const { lease: first, lost } = lease({ pid: 4711 });
    await first.acquire();
    await endLeaseSessions();

    await waitFor(() => first.isHeld, { what: 'the lease to come back' });

    await expect(lease({ pid: 4712 }).lease.acquire()).rejects.toThrow(/process id 4711/);
    expect(lost).toEqual([]);
  });

  test('says that it is lost when another station took the database while it was cut off', async () => {
    await migrate();
    const wire = await Wire.to(database.url);
    const { lease: first, lost } = lease({ pid: 4711 }, wire.url);
    await first.acquire();
    wire.cut();
    await waitFor(() => !first.isHeld, { what: 'the first to notice' });
    await endLeaseSessions();
    await lease({ pid: 4712, host: 'sec98' }).lease.acquire();
    wire.mend();

    await waitFor(() => lost.length > 0, { what: 'the loss to be told' });

    expect(lost).toMatchObject([{ pid: 4712, host: 'sec98' }]);
    expect(first.isHeld).toBe(false);
    await wire.close();
  });

  async function endLeaseSessions(): Promise<void> {
    await rows(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'dm-station lease%'`,
    );
  }

  async function rows(text: string): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }
});

/** A network between a client and the database that can be cut. */
class Wire {
  #isCut = false;
  readonly #sockets = new Set<Socket>();

  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  static async to(databaseUrl: string): Promise<Wire> {
    const target = new URL(databaseUrl);
    const server = createServer().listen(0, '127.0.0.1');
    await waitFor(() => server.listening);
    const address = server.address();
    const through = new URL(databaseUrl);
    through.port = String(typeof address === 'object' ? address?.port : 0);
    const wire = new Wire(through.href, server);
    server.on('connection', (socket) => wire.#join(socket, Number(target.port)));
    return wire;
  }

  cut(): void {
    this.#isCut = true;
    this.#sockets.forEach((socket) => socket.destroy());
  }

  mend(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #join(socket: Socket, port: number): void {
    if (this.#isCut) {
      socket.destroy();
      return;
    }
    const other = connect(port, '127.0.0.1');
    for (const side of [socket, other]) {
      this.#sockets.add(side);
      side.on('error', () => undefined);
      side.on('close', () => this.#sockets.delete(side));
    }
    socket.pipe(other).pipe(socket);
  }
}
