import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AlarmAnswer, FileAnswer, LedgerRow } from '../../src/cli/api-types.js';
import { FILE_CATALOG, type FileCatalog } from '../../src/catalog/index.js';
import { StationError } from '../../src/kernel/errors.js';
import { HealthService } from '../../src/monitoring/health.service.js';
import { BatchOffers } from '../../src/daq/pipeline/batch-offers.js';
import { Database } from '../../src/platform/database/index.js';
import { QUEUE, type WorkQueue } from '../../src/platform/queue/index.js';
import { StorageArea, TRANSFER_ENGINE, type TransferEngine, type TransferTask } from '../../src/storage/index.js';
import { LocalTransferEngine } from '../../src/storage/local/local-transfer-engine.js';
import { waitFor } from '../support/wait-for.js';
import { DaqApp } from './daq.app.js';

describe('a file on its way, when what it needs fails', () => {
  let app: DaqApp;
  let number = 0;

  beforeAll(async () => {
    app = await DaqApp.start();
  });
  afterAll(() => app.close());
  afterEach(() => vi.restoreAllMocks());

  /** An experiment with these files in its source. */
  async function withFiles(...names: string[]): Promise<{ experiment: string; source: string; storage: string }> {
    const experiment = `pipeline-${(number += 1)}`;
    const places = await app.experiment(experiment);
    names.forEach((name) => writeFileSync(join(places.source, name), name));
    return { experiment, ...places };
  }

  const rowsOf = async (experiment: string) =>
    (await app.as('admin')).allItems<LedgerRow>(`/experiments/${experiment}/ledger`);
  const filesOf = async (experiment: string) =>
    (await app.as('admin')).allItems<FileAnswer>(`/experiments/${experiment}/files`);
  const stateOf = async (experiment: string) => (await rowsOf(experiment)).map((row) => row.state);

  it('waits in "cataloguing" while the catalog is down, copied and verified, and goes on by itself', async () => {
    const scene = await withFiles('a.h5', 'b.h5');
    const catalog = app.app.get<FileCatalog>(FILE_CATALOG);
    const away = new StationError('unavailable', 'CATALOG_UNAVAILABLE', 'The catalog does not answer.');
    vi.spyOn(catalog, 'upsertMany').mockRejectedValue(away);
    vi.spyOn(catalog, 'ping').mockRejectedValue(away);
    const { id } = await app.start(scene.experiment);
    await waitFor(async () => (await stateOf(scene.experiment)).join() === 'cataloguing,cataloguing');
    expect(readFileSync(join(scene.storage, 'data/a.h5'), 'utf8')).toBe('a.h5');
    const [row] = await rowsOf(scene.experiment);
    expect(row).toMatchObject({ reasonCode: 'CATALOG_UNAVAILABLE', reason: 'catalog: The catalog does not answer.' });

    const { status, checks } = await app.app.get(HealthService).readiness();
    expect(status).toBe('degraded');
    expect(checks.filter((check) => check.status === 'down').map((check) => check.name)).toEqual(['catalog']);
    const alarm = async () => {
      const { items } = await (await app.as('admin')).get<{ items: AlarmAnswer[] }>('/alarms');
      return items.find(({ key }) => key === 'station.degraded:catalog');
    };
    expect(await waitFor(alarm, { timeoutMs: 30_000, what: 'the alarm that the catalog is away' })).toMatchObject({
      severity: 'critical',
      message: expect.stringContaining('The catalog does not answer.') as string,
    });

    vi.restoreAllMocks();

    expect(await app.ended(id)).toMatchObject({ status: 'done', counts: { done: 2 } });
    await waitFor(async () => (await alarm()) === undefined, { timeoutMs: 30_000, what: 'the alarm to go' });
  });

  it('is quarantined alone when the catalog refuses its document for good', async () => {
    const scene = await withFiles('a.h5', 'refused.h5', 'z.h5');
    const catalog = app.app.get<FileCatalog>(FILE_CATALOG);
    const upsertMany = catalog.upsertMany.bind(catalog);
    vi.spyOn(catalog, 'upsertMany').mockImplementation((experimentId, files, ...rest) =>
      files.some((file) => file.path.endsWith('refused.h5'))
        ? Promise.reject(new StationError('invalid', 'CATALOG_FILE_INVALID', 'This cannot be a document.'))
        : upsertMany(experimentId, files, ...rest),
    );
    const end = await app.ended((await app.start(scene.experiment)).id);

    expect(end).toMatchObject({ status: 'failed', counts: { done: 2, quarantined: 1 } });
    const [refused] = (await rowsOf(scene.experiment)).filter((row) => row.state === 'quarantined');
    expect(refused).toMatchObject({ path: 'data/refused.h5', reasonCode: 'CATALOG_FILE_INVALID' });
    // It goes on where it was when a person tries again, without another copy.
    vi.restoreAllMocks();
    expect(await app.ended((await app.start(scene.experiment)).id)).toMatchObject({
      status: 'done',
      counts: { done: 1 },
    });
    expect((await filesOf(scene.experiment)).length).toBe(3);
  });

  it('is tried again when the copying thread dies with its batch', async () => {
    const scene = await withFiles('a.h5');
    const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
    const transfer = vi.spyOn(engine, 'transfer').mockRejectedValueOnce(new Error('exit code 134 in the middle'));
    expect(await app.ended((await app.start(scene.experiment)).id)).toMatchObject({ status: 'done' });
    expect(transfer.mock.calls.length).toBeGreaterThan(1);
  });

  it('is quarantined alone when it ends the copying thread each time, and the rest of its batch is done', async () => {
    const scene = await withFiles('a.h5', 'killer.h5', 'z.h5');
    const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
    const transfer = engine.transfer.bind(engine);
    vi.spyOn(engine, 'transfer').mockImplementation((tasks) =>
      tasks.some((task) => task.sourcePath.toString().endsWith('killer.h5'))
        ? Promise.reject(new Error('exit code 134 in the middle'))
        : transfer(tasks),
    );
    const { id } = await app.start(scene.experiment);
    await waitFor(async () => (await stateOf(scene.experiment)).toSorted().join() === 'done,done,failed', {
      timeoutMs: 20_000,
    });
    // Not waiting for the pauses between the attempts, which grow to a minute.
    await app.app
      .get(Database)
      .query(`UPDATE ledger SET attempts = 7, due_at = now() WHERE acquisition_id = $1 AND state = 'failed'`, [id]);

    expect(await app.ended(id)).toMatchObject({ status: 'failed', counts: { done: 2, quarantined: 1 } });
    const [killer] = (await rowsOf(scene.experiment)).filter((row) => row.state === 'quarantined');
    expect(killer).toMatchObject({ path: 'data/killer.h5', reasonCode: 'TRANSFER_BROKE_OFF', attempts: 8 });
  });

  it('keeps what an attempt published that nobody recorded, when the source has changed since', async () => {
    const scene = await withFiles('a.h5');
    const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
    const copy = engine.transfer.bind(engine);
    // As a crash between the copy and its record, with the detector going on meanwhile.
    vi.spyOn(engine, 'transfer').mockImplementationOnce(async (tasks: readonly TransferTask[]) => {
      await copy(tasks);
      writeFileSync(join(scene.source, 'a.h5'), 'written later');
      throw new Error('cut off');
    });
    const end = await app.ended((await app.start(scene.experiment)).id);

    expect(end).toMatchObject({ status: 'done', counts: { done: 1, quarantined: 0 } });
    expect(readFileSync(join(scene.storage, 'data/a.h5'), 'utf8')).toBe('written later');
    const [row] = await rowsOf(scene.experiment);
    const kept = join(scene.storage, `system/versions/unrecorded-${row?.id}/data/a.h5`);
    expect(readFileSync(kept, 'utf8')).toBe('a.h5');
  });

  it('keeps it also when the file was gone in between, and its row with it', async () => {
    const scene = await withFiles('a.h5', 'b.h5');
    const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
    const copy = engine.transfer.bind(engine);
    vi.spyOn(engine, 'transfer').mockImplementationOnce(async (tasks: readonly TransferTask[]) => {
      await copy(tasks);
      rmSync(join(scene.source, 'a.h5'));
      throw new Error('cut off');
    });
    await app.ended((await app.start(scene.experiment)).id);
    const [gone] = (await rowsOf(scene.experiment)).filter((row) => row.path === 'data/a.h5');
    expect(gone).toMatchObject({ state: 'skipped', reasonCode: 'source-vanished' });

    writeFileSync(join(scene.source, 'a.h5'), 'written later');
    const end = await app.ended((await app.start(scene.experiment)).id);

    expect(end).toMatchObject({ status: 'done', counts: { done: 1, quarantined: 0 } });
    expect(readFileSync(join(scene.storage, 'data/a.h5'), 'utf8')).toBe('written later');
    const row = (await rowsOf(scene.experiment)).find(({ path, state }) => path === 'data/a.h5' && state === 'done');
    const kept = join(scene.storage, `system/versions/unrecorded-${row?.id}/data/a.h5`);
    expect(readFileSync(kept, 'utf8')).toBe('a.h5');
  });

  it('is quarantined with both digests when copy after copy is corrupt though the source says the same', async () => {
    const scene = await withFiles('a.h5');
    const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
    vi.spyOn(engine, 'transfer').mockImplementation((tasks) =>
      Promise.resolve(
        tasks.map(({ id }) => ({ id, status: 'corrupt', md5Sum: 'a'.repeat(32), foundMd5Sum: 'b'.repeat(32) })),
      ),
    );
    const { id } = await app.start(scene.experiment);
    await waitFor(async () => (await stateOf(scene.experiment)).join() === 'failed');
    // Not waiting for the pauses between the attempts, which grow to a minute.
    await app.app.get(Database).query(`UPDATE ledger SET attempts = 7, due_at = now() WHERE acquisition_id = $1`, [id]);

    expect(await app.ended(id)).toMatchObject({ status: 'failed', counts: { quarantined: 1 } });
    const [row] = await rowsOf(scene.experiment);
    expect(row).toMatchObject({
      state: 'quarantined',
      reasonCode: 'corrupt-copy',
      reason: expect.stringContaining('differs from the source') as string,
      attempts: 8,
      md5Sum: 'a'.repeat(32),
      foundMd5Sum: 'b'.repeat(32),
    });
  });

  it('is quarantined with both digests when its source reads differently each time though it looks the same', async () => {
    const scene = await withFiles('a.h5');
    let readings = 0;
    // As a dying disk below the source; what is copied is thrown away, and the source read again.
    vi.spyOn(LocalTransferEngine.prototype, 'transfer').mockImplementation((tasks) =>
      Promise.resolve(
        tasks.map(({ id, mode, expected: { sizeBytes } }) => {
          const md5Sum = String((readings += 1)).padStart(32, '0');
          return mode === 'compare'
            ? { id, status: 'compared', md5Sum, sizeBytes }
            : { id, status: 'corrupt', md5Sum, foundMd5Sum: 'f'.repeat(32) };
        }),
      ),
    );
    const { id } = await app.start(scene.experiment);
    await waitFor(async () => (await rowsOf(scene.experiment))[0]?.attempts === 1);
    expect(await rowsOf(scene.experiment)).toMatchObject([{ state: 'failed', reasonCode: 'source-unsteady' }]);
    // Not waiting for the pauses between the attempts, which grow to a minute.
    await app.app.get(Database).query(`UPDATE ledger SET attempts = 7, due_at = now() WHERE acquisition_id = $1`, [id]);

    expect(await app.ended(id)).toMatchObject({ status: 'failed', counts: { quarantined: 1 } });
    const [row] = await rowsOf(scene.experiment);
    expect(row).toMatchObject({
      state: 'quarantined',
      reasonCode: 'source-unsteady',
      attempts: 8,
      md5Sum: String(readings - 1).padStart(32, '0'),
      foundMd5Sum: String(readings).padStart(32, '0'),
    });
  });

  it('is deferred without counting as long as it really grows', async () => {
    const scene = await withFiles('a.h5');
    const path = join(scene.source, 'a.h5');
    const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
    const transfer = engine.transfer.bind(engine);
    let growths = 0;
    vi.spyOn(engine, 'transfer').mockImplementation((tasks) => {
      // More often than a fault is tried again.
      if (growths < 10) {
        growths += 1;
        appendFileSync(path, 'more');
      }
      return transfer(tasks);
    });
    const end = await app.ended((await app.start(scene.experiment)).id);

    expect(end).toMatchObject({ status: 'done', counts: { done: 1 } });
    expect(growths).toBe(10);
    expect(await rowsOf(scene.experiment)).toMatchObject([{ attempts: 0, sizeBytes: 'a.h5'.length + 40 }]);
  });

  it('waits uncounted when the storage area goes away in the middle of its copy', async () => {
    const scene = await withFiles('a.h5');
    const marker = join(app.app.get(StorageArea).root, '.dm-storage');
    vi.spyOn(app.app.get<TransferEngine>(TRANSFER_ENGINE), 'transfer').mockImplementationOnce((tasks) => {
      renameSync(marker, `${marker}.away`);
      const stale = { status: 'failed', kind: 'transient', code: 'ESTALE', message: 'stale file handle' } as const;
      return Promise.resolve(tasks.map(({ id }) => ({ id, ...stale })));
    });
    const { id } = await app.start(scene.experiment);
    await waitFor(async () => (await stateOf(scene.experiment)).join() === 'failed');
    expect(await rowsOf(scene.experiment)).toMatchObject([{ reasonCode: 'STORAGE_UNAVAILABLE', attempts: 0 }]);

    renameSync(`${marker}.away`, marker);

    await (
      await app.as('admin')
    ).post(`/experiments/${scene.experiment}/ledger/actions`, {
      action: 'retry',
      acquisitionId: id,
    });
    expect(await app.ended(id)).toMatchObject({ status: 'done', counts: { done: 1 } });
  });

  it('takes over a destination whose first source brought nothing', async () => {
    const scene = await withFiles('a.h5');
    const other = await withFiles('a.h5');
    writeFileSync(join(other.source, 'a.h5'), 'from elsewhere');
    const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
    // The first source's copy takes until the second stands in line, and then finds its file gone.
    const line = Promise.withResolvers<undefined>();
    vi.spyOn(engine, 'transfer').mockImplementationOnce(async (tasks) => {
      await line.promise;
      return tasks.map((task) => ({ id: task.id, status: 'vanished' as const }));
    });
    const first = await app.start(scene.experiment);
    await waitFor(async () => (await stateOf(scene.experiment)).join() === 'transferring');
    const second = await app.start(scene.experiment, { dataDirectory: other.source });
    await waitFor(async () => (await rowsOf(scene.experiment))[0]?.reasonCode === 'waits-for-other-source');
    rmSync(join(scene.source, 'a.h5'));
    line.resolve(undefined);

    expect(await app.ended(first.id)).toMatchObject({ status: 'done', counts: { skipped: 1 } });
    expect(await app.ended(second.id)).toMatchObject({ status: 'done', counts: { done: 1, quarantined: 0 } });
    expect(readFileSync(join(scene.storage, 'data/a.h5'), 'utf8')).toBe('from elsewhere');
    expect((await filesOf(scene.experiment)).map((file) => file.version)).toEqual([1]);
  });

  it('is found by the feeder when its hint is lost, even while another file is retried every second', async () => {
    const scene = await withFiles('lost.h5');
    const retried = await withFiles('retried.h5');
    const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
    const transfer = engine.transfer.bind(engine);
    vi.spyOn(engine, 'transfer').mockImplementation((tasks) =>
      tasks.some((task) => task.sourcePath.toString().includes('retried.h5'))
        ? Promise.reject(new Error('always cut off'))
        : transfer(tasks),
    );
    const busy = await app.start(retried.experiment);
    await waitFor(() => vi.mocked(engine.transfer).mock.calls.length > 0);
    const queue = app.app.get<WorkQueue>(QUEUE);
    // As with a backlog: the file goes by the queue, not straight to this process.
    vi.spyOn(app.app.get(BatchOffers), 'reserve').mockReturnValue(false);
    const add = vi.spyOn(queue, 'add').mockImplementationOnce(() => Promise.resolve());
    const { id } = await app.start(scene.experiment);

    expect(await app.ended(id)).toMatchObject({ status: 'done', counts: { done: 1 } });
    expect(add).toHaveBeenCalled();
    vi.restoreAllMocks();
    expect(await app.ended(busy.id)).toMatchObject({ status: 'done' });
  });

  it('stops an upload while files wait for a retry, and leaves no row open', async () => {
    const scene = await withFiles('a.h5');
    const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
    vi.spyOn(engine, 'transfer').mockImplementation((tasks) =>
      Promise.resolve(
        tasks.map(({ id }) => ({ id, status: 'failed', kind: 'no-space', code: 'ENOSPC', message: 'full' })),
      ),
    );
    const { id } = await app.start(scene.experiment);
    await waitFor(async () => (await stateOf(scene.experiment)).join() === 'failed');
    await (await app.as('admin')).post(`/acquisitions/${id}/stop`);
    expect(await app.ended(id)).toMatchObject({ status: 'aborted', counts: { cancelled: 1 } });
    const open = await app.app
      .get(Database)
      .query(`SELECT 1 FROM ledger WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined')`);
    expect(open).toEqual([]);
  });
});
