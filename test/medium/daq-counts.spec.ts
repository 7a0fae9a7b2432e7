import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { LedgerClaims } from '../../src/daq/ledger/ledger-claims.js';
import { LedgerCounts } from '../../src/daq/ledger/ledger-counts.js';
import { BatchOffers } from '../../src/daq/pipeline/batch-offers.js';
import { LEDGER_STATES } from '../../src/daq/ledger/ledger-row.js';
import { Database } from '../../src/platform/database/index.js';
import { SeededRandom } from '../../src/tools/detector/random.js';
import { DaqApp } from './daq.app.js';

const STEPS = 150;
const seed = Number(process.env['DM_TEST_SEED'] ?? Date.now() % 1_000_000);

describe(`counts of the ledger (DM_TEST_SEED=${seed})`, () => {
  let app: DaqApp;

  beforeAll(async () => {
    app = await DaqApp.start();
  });
  afterAll(() => app.close());
  afterEach(() => vi.restoreAllMocks());

  const database = () => app.app.get(Database);
  const counts = () => app.app.get(LedgerCounts);

  /** Counted row by row. */
  async function aggregate(): Promise<string[]> {
    const rows = await database().query<{ line: string }>(
      `SELECT acquisition_id || ' ' || state || ' ' || count(*) || ' ' || sum(size_bytes) AS line FROM ledger
       GROUP BY acquisition_id, state ORDER BY 1`,
    );
    return rows.map((row) => row.line);
  }

  async function counted(ids: readonly string[]): Promise<string[]> {
    const all = await counts().of(ids);
    return all.map((one) => `${one.acquisitionId} ${one.state} ${one.files} ${one.bytes}`).sort();
  }

  /** Compares at a moment at which nobody changes rows: the station works on due ones meanwhile. */
  async function expectAgreement(ids: readonly string[], when: string): Promise<void> {
    await database().transaction(async (tx) => {
      await tx.query('LOCK TABLE ledger IN SHARE MODE');
      expect(await counted(ids), when).toEqual(await aggregate());
    });
  }

  async function acquisitionWithFiles(name: string, files: number): Promise<string> {
    const { source } = await app.experiment(name);
    for (let index = 0; index < files; index += 1) {
      writeFileSync(join(source, `${index}.tif`), Buffer.alloc(index + 1));
    }
    const { id } = await app.start(name);
    await app.ended(id);
    return id;
  }

  it('are those of the rows after any change, rolled back ones, sums in between and deletions included', async () => {
    const random = new SeededRandom(seed);
    const ids = [await acquisitionWithFiles('counts-a', 40), await acquisitionWithFiles('counts-b', 25)];
    await expectAgreement(ids, 'at first');
    for (let step = 0; step < STEPS; step += 1) {
      await change(random, ids);
      if (random.next() < 0.3) {
        await counts().sumUp();
      }
      await expectAgreement(ids, `step ${step}`);
    }
    await database().query(`DELETE FROM acquisition WHERE id = $1`, [ids[0]]);
    await expectAgreement(ids, 'after a deletion');
    await counts().sumUp();
    await expectAgreement(ids, 'summed up');
    expect(await counts().of([ids[0] ?? ''])).toEqual([]);
  });

  async function change(random: SeededRandom, ids: readonly string[]): Promise<void> {
    const id = ids[random.integer(0, ids.length - 1)];
    const other = ids[random.integer(0, ids.length - 1)];
    const state = LEDGER_STATES[random.integer(0, LEDGER_STATES.length - 1)];
    const some = `acquisition_id = $1 AND size_bytes % 7 = ${random.integer(0, 6)}`;
    const statements = [
      () => database().query(`UPDATE ledger SET state = $2 WHERE ${some}`, [id, state]),
      () => database().query(`UPDATE ledger SET size_bytes = size_bytes + 13 WHERE ${some}`, [id]),
      () => database().query(`UPDATE ledger SET acquisition_id = $2 WHERE ${some}`, [id, other]),
      () => database().query(`DELETE FROM ledger WHERE ${some} AND size_bytes % 5 = 0`, [id]),
      () =>
        database()
          .transaction(async (tx) => {
            await tx.query(`UPDATE ledger SET state = 'failed' WHERE ${some}`, [id]);
            throw new Error('rolled back');
          })
          .catch(() => undefined),
      () =>
        Promise.all([
          database().query(`UPDATE ledger SET state = $2 WHERE ${some}`, [ids[0], state]),
          database().query(`UPDATE ledger SET state = $2 WHERE ${some}`, [ids[1], state]),
          counts().sumUp(),
        ]),
    ];
    await statements[random.integer(0, statements.length - 1)]?.();
  }

  it('answer since when the oldest open file waits', async () => {
    await acquisitionWithFiles('counts-oldest', 3);
    await database().query(`UPDATE ledger SET state = 'done' WHERE state <> 'done'`);
    expect(await counts().oldestOpen()).toBeUndefined();
    await database().query(
      `UPDATE ledger SET state = 'quarantined', seen_at = '2001-01-01Z' WHERE id = (SELECT min(id) FROM ledger)`,
    );
    await database().query(
      `UPDATE ledger SET state = 'settling', seen_at = '2002-01-01Z' WHERE id = (SELECT max(id) FROM ledger)`,
    );
    expect((await counts().oldestOpen())?.toISOString()).toBe('2002-01-01T00:00:00.000Z');
    const [inHand] = await database().query<{ id: string }>(
      `UPDATE ledger SET state = 'transferring', claimed_by = gen_random_uuid(), seen_at = '2001-06-01Z'
       WHERE state = 'done' AND id = (SELECT min(id) FROM ledger WHERE state = 'done') RETURNING id`,
    );
    expect((await counts().oldestOpen(inHand?.id))?.toISOString()).toBe('2001-06-01T00:00:00.000Z');
    await database().query(`UPDATE ledger SET state = 'done'`);
  });

  it('fresh files of a monitor overtake a backlog in what the feeder is given', async () => {
    const monitor = await app.experiment('priority-monitor');
    const { id } = await app.start('priority-monitor', { kind: 'monitor', quietSeconds: 0 });
    const isScanned = async () =>
      (await database().query(`SELECT 1 FROM acquisition WHERE id = $1 AND scan_complete`, [id])).length > 0;
    await vi.waitFor(async () => expect(await isScanned()).toBe(true), { timeout: 10_000 });
    // A backlog that nobody works on: its hints are lost, and it is not claimed at once.
    const offers = app.app.get(BatchOffers);
    vi.spyOn(offers, 'reserve').mockReturnValue(false);
    vi.spyOn(offers, 'offer').mockResolvedValue(true);
    const { source } = await app.experiment('priority-backlog');
    for (let index = 0; index < 600; index += 1) {
      writeFileSync(join(source, `old-${index}.tif`), 'x');
    }
    const backlog = await app.start('priority-backlog');
    const due = () => app.app.get(LedgerClaims).due(5);
    await vi.waitFor(async () => expect((await due()).length).toBe(5), { timeout: 10_000 });
    expect((await due()).map((row) => row.priority)).toEqual([2, 2, 2, 2, 2]);
    writeFileSync(join(monitor.source, 'part'), 'fresh');
    renameSync(join(monitor.source, 'part'), join(monitor.source, 'fresh.tif'));
    await vi.waitFor(async () => expect((await due())[0]?.priority).toBe(1), { timeout: 10_000 });
    vi.restoreAllMocks();
    expect(await app.ended(backlog.id)).toMatchObject({ status: 'done' });
    rmSync(join(monitor.source, 'fresh.tif'));
  });
});
