import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedPostgres } from '../../src/platform/embedded-postgres/index.js';
import { CutWire } from '../support/cut-wire.js';
import { md5sumOfTree } from '../support/md5sum.js';
import { type Scene, TestStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

/** As many as a scan hands over at a time, so that all are in one batch. */
const FILES = 1000;
/** Of the one batch when the database goes: enough to be in its middle. */
const COPIED_BEFORE = 100;

describe('a batch whose database is killed in its middle', () => {
  let folder: string;
  let postgres: EmbeddedPostgres;
  let wire: CutWire;
  let station: TestStation;
  let server: URL;
  let number = 0;

  /** Of the server itself, past the wire. */
  async function ask(database: string, statement: string): Promise<{ data: unknown }[]> {
    const url = new URL(server);
    url.pathname = database === '' ? url.pathname : `/${database}`;
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    try {
      return (await client.query<{ data: unknown }>(statement)).rows;
    } finally {
      await client.end();
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dm-journal-'));
    postgres = new EmbeddedPostgres({ dataDirectory: folder });
    server = new URL((await postgres.start()).url);
    wire = await CutWire.to({ host: server.hostname, port: Number(server.port) });
  });
  afterAll(async () => {
    await wire.close();
    await postgres.stop();
    await postgres.remove();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    wire.mend();
    const name = `station_${(number += 1)}`;
    await waitFor(() => ask('', 'SELECT 1'), { timeoutMs: 60_000, what: 'the server to be back' });
    await ask('', `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`);
    const url = new URL(server);
    url.port = String(wire.port);
    url.pathname = `/${name}`;
    // All in one batch: nothing of it is in the ledger when the database goes.
    station = await TestStation.start({
      env: {
        DM_POSTGRES_URL: url.href,
        DM_DAQ_BATCH_FILES: String(FILES),
        DM_AUTH_PRINCIPAL_CACHE_SECONDS: '60', // so that the administrator is known during the outage
      },
    });
  });
  afterEach(() => station.dispose());

  const journal = () => join(station.dataDirectory, 'journal');
  const entries = () => readdirSync(journal()).filter((name) => name.endsWith('.json'));

  /** An upload whose database dies while its files are copied; answers when the copies are done and kept in the journal. */
  async function cutOff(name: string): Promise<{ scene: Scene; id: string; copies: Map<string, string> }> {
    const scene = await station.scene(name);
    for (let index = 0; index < FILES; index += 1) {
      writeFileSync(join(scene.source, `${index}.tif`), Buffer.alloc(200_000, `${index} `));
    }
    const { id } = await station.startAcquisition({
      kind: 'upload',
      experiment: name,
      dataDirectory: scene.source,
      quietSeconds: 0,
    });
    await waitFor(() => copiesBelow(scene.data).size >= COPIED_BEFORE, { everyMs: 2, timeoutMs: 30_000 });
    wire.cut();
    process.kill(postgres.pid ?? -1, 'SIGKILL');
    expect(copiesBelow(scene.data).size).toBeLessThan(FILES);
    await waitFor(() => entries().length > 0, { timeoutMs: 60_000, what: 'the outcome in the journal' });
    const copies = copiesBelow(scene.data);
    expect(copies.size).toBe(FILES);
    return { scene, id, copies };
  }

  async function expectAllOnce(scene: Scene, id: string, copies: Map<string, string>): Promise<void> {
    const end = await station.ended(id, 90_000);
    expect(end).toMatchObject({ status: 'done', counts: { found: FILES, done: FILES } });
    const now = copiesBelow(scene.data);
    for (const [name, identity] of copies) {
      expect(now.get(name), `${name} was copied once`).toBe(identity);
    }
    expect(await md5sumOfTree(scene.data)).toEqual(await md5sumOfTree(scene.source));
    expect((await station.files(scene)).length).toBe(FILES);
    expect(entries()).toEqual([]);
  }

  it(
    'keeps what was copied, claims nothing new, refuses writes, and goes on when it is back',
    { timeout: 180_000 },
    async () => {
      const watched = await station.scene('watched');
      const monitor = await station.monitor(watched);
      const { scene, id, copies } = await cutOff('lives');
      writeFileSync(join(watched.source, 'meanwhile.h5'), 'written while nobody kept the books');
      const health = await station.readiness();
      expect(health).toMatchObject({ httpStatus: 503, status: 'unavailable', retryAfterSeconds: 5 });
      expect(health.down).toContain('database');
      expect(await station.alarms()).toMatchObject([{ key: 'station.degraded:database', severity: 'critical' }]);
      const write = await fetch(`${station.process.url}/api/v1/experiments`, {
        method: 'POST',
        headers: { authorization: `Bearer ${station.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'not-now' }),
      });
      expect(write.status).toBe(503);
      expect(Number(write.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await write.json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
      // The server itself is back by now, and nothing is claimed in it but what was in hand before.
      const claimed = `SELECT DISTINCT acquisition_id AS data FROM ledger WHERE claimed_by IS NOT NULL`;
      const held = await waitFor(() => ask(`station_${number}`, claimed), { timeoutMs: 60_000 });
      expect(held).toEqual([{ data: id }]);
      expect(copiesBelow(watched.data).size).toBe(0);

      wire.mend();

      await expectAllOnce(scene, id, copies);
      await station.row(watched, 'data/meanwhile.h5', 'done');
      await station.stopAcquisition(monitor.id);
      const events = await waitFor(
        async () => {
          const found = await ask(`station_${number}`, `SELECT data FROM event WHERE type = 'database.returned'`);
          return found.length > 0 ? found : undefined;
        },
        { timeoutMs: 20_000, what: 'the event that the database is back' },
      );
      expect(events[0]?.data).toMatchObject({ awaySeconds: expect.any(Number) as number });
      expect((await station.alarms()).map(({ key }) => key)).not.toContain('station.degraded:database');
      const told = await ask(
        `station_${number}`,
        `SELECT to_json(type) AS data FROM event WHERE subject = 'station.degraded:database' ORDER BY id`,
      );
      expect(told.map(({ data }) => data)).toEqual(['alarm.raised', 'alarm.cleared']);
    },
  );

  it('goes on after the death of the station as well, a torn record set aside', { timeout: 180_000 }, async () => {
    const { scene, id, copies } = await cutOff('dies');
    await station.killStation();
    const [name = ''] = entries();
    const whole = readFileSync(join(journal(), name));
    const later = '9999999999999-000001.json';
    writeFileSync(join(journal(), later), whole.subarray(0, whole.length / 2));
    // As after a death between writing an entry down and removing it.
    writeFileSync(join(journal(), '9999999999998-000001.json'), whole);
    wire.mend();

    await station.restart();

    await expectAllOnce(scene, id, copies);
    expect(readdirSync(journal())).toEqual([`${later}.torn`]);
    const told = await waitFor(
      async () => {
        const done = await ask(
          `station_${number}`,
          `SELECT json_array_elements_text(data -> 'ledgerIds') AS data FROM event WHERE type = 'files.done'`,
        );
        return done.length >= FILES ? done : undefined;
      },
      { timeoutMs: 20_000, what: 'the events of all files' },
    );
    expect(told.length, 'each file is told of once').toBe(FILES);
  });
});

/** Each finished copy with what would differ if it were made again. */
function copiesBelow(directory: string): Map<string, string> {
  try {
    const names = readdirSync(directory).filter((name) => !name.startsWith('.dm-'));
    return new Map(
      names.map((name) => {
        const { ino, ctimeMs } = statSync(join(directory, name));
        return [name, `${ino} ${ctimeMs}`];
      }),
    );
  } catch {
    return new Map();
  }
}
