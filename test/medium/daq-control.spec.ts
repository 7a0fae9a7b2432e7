import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { progressOf } from '../../src/cli/acquisition-view.js';
import type { AcquisitionAnswer, AlarmAnswer, LedgerActionAnswer, LedgerRow } from '../../src/cli/api-types.js';
import { progressLine } from '../../src/cli/progress-bar.js';
import { Database } from '../../src/platform/database/index.js';
import { StorageArea } from '../../src/storage/index.js';
import { waitFor } from '../support/wait-for.js';
import { DaqApp } from './daq.app.js';

const PATH = 'data/a.h5';

/** The percentage that a progress bar shows, if it shows one. */
function shareShown(line: string): number[] {
  return [/(\d+) %/.exec(line)?.[1]].filter((text) => text !== undefined).map(Number);
}

describe('what people do about acquisitions and files that need them', () => {
  let app: DaqApp;
  let number = 0;

  beforeAll(async () => {
    app = await DaqApp.start();
    await app.as('carol', 'operator');
  });
  afterAll(() => app.close());

  const write = (source: string, name: string, content: string) => {
    mkdirSync(dirname(join(source, name)), { recursive: true });
    writeFileSync(join(source, name), content);
  };
  async function scene() {
    const experiment = `control-${(number += 1)}`;
    return { experiment, ...(await app.experiment(experiment, 'alice')) };
  }
  /** The second source of a name is in quarantine. */
  async function collision() {
    const at = await scene();
    write(at.source, 'one/a.h5', 'from one');
    write(at.source, 'two/a.h5', 'from two');
    const from = async (name: string) =>
      app.ended((await app.start(at.experiment, { dataDirectory: join(at.source, name) })).id);
    await from('one');
    return { ...at, second: await from('two') };
  }
  const actAs = async (user: string, experiment: string, body: Record<string, unknown>) =>
    (await app.as(user)).post<LedgerActionAnswer>(`/experiments/${experiment}/ledger/actions`, body);
  const act = (experiment: string, action: string, more: Record<string, unknown> = {}) =>
    actAs('admin', experiment, { action, paths: [PATH], ...more });
  const rowsOf = async (experiment: string) =>
    (await app.as('admin')).allItems<LedgerRow>(`/experiments/${experiment}/ledger`);
  const newestIs = (experiment: string, state: string) =>
    waitFor(async () => (await rowsOf(experiment)).find((row, place) => place === 0 && row.state === state), {
      what: `the newest row to be ${state}`,
      timeoutMs: 20_000,
    });

  describe('a file in quarantine', () => {
    it('is accepted as the next version, and the content before it is kept', async () => {
      const at = await collision();
      expect(at.second).toMatchObject({ counts: { quarantined: 1 }, endReason: 'failed', stoppedBy: null });

      expect(await act(at.experiment, 'accept')).toEqual({ changed: 1, left: [] });

      expect(await newestIs(at.experiment, 'done')).toMatchObject({ version: 2 });
      expect(readFileSync(join(at.storage, PATH), 'utf8')).toBe('from two');
      expect(readFileSync(join(at.storage, 'system/versions/v1', PATH), 'utf8')).toBe('from one');
      const { counts } = await (await app.as('admin')).get<AcquisitionAnswer>(`/acquisitions/${at.second.id}`);
      expect(counts).toMatchObject({ done: 1, quarantined: 0 });
      // Said twice, it is done once.
      expect(await act(at.experiment, 'accept')).toMatchObject({ changed: 0, left: [{ path: PATH, state: 'done' }] });
      expect(await rowsOf(at.experiment)).toHaveLength(2);
    });

    it('is left out with the reason, and what is in storage stays', async () => {
      const at = await collision();
      await expect(act(at.experiment, 'skip')).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
      expect(await act(at.experiment, 'skip', { reason: 'a test shot' })).toEqual({ changed: 1, left: [] });
      expect(await newestIs(at.experiment, 'skipped')).toMatchObject({
        reasonCode: 'skipped-by-person',
        reason: 'admin: a test shot',
      });
      expect(readFileSync(join(at.storage, PATH), 'utf8')).toBe('from one');
    });

    it('comes back to quarantine when it is released and nothing has changed', async () => {
      const at = await collision();
      const [before] = await rowsOf(at.experiment);
      expect(await act(at.experiment, 'release')).toEqual({ changed: 1, left: [] });
      const again = await newestIs(at.experiment, 'quarantined');
      expect(again).toMatchObject({ id: before?.id, reasonCode: 'destination-collision' });
      expect(readFileSync(join(at.storage, PATH), 'utf8')).toBe('from one');
    });

    it('goes back to quarantine when it changed meanwhile and nobody looks any more', async () => {
      const at = await collision();
      write(at.source, 'two/a.h5', 'from two, but longer now');
      await act(at.experiment, 'accept');
      expect(await newestIs(at.experiment, 'quarantined')).toMatchObject({ reasonCode: 'source-changed' });
      expect(readFileSync(join(at.storage, PATH), 'utf8')).toBe('from one');
    });

    it('is left to the worker that holds it', async () => {
      const at = await collision();
      const database = app.app.get(Database);
      const [row] = await rowsOf(at.experiment);
      await database.query(`UPDATE ledger SET claimed_by = gen_random_uuid() WHERE id = $1`, [row?.id]);
      expect(await act(at.experiment, 'accept')).toMatchObject({ changed: 0, left: [{ state: 'quarantined' }] });
      await database.query(`UPDATE ledger SET claimed_by = NULL WHERE id = $1`, [row?.id]);
    });
  });

  describe('the alarm of the quarantine', () => {
    const alarmOf = async ({ experiment }: { experiment: string }) =>
      (await (await app.as('admin')).allItems<AlarmAnswer>('/alarms')).find(
        ({ key, message }) => key.startsWith('daq.quarantine:') && message.includes(`experiment ${experiment} `),
      );

    it('says what a person can do, and ends when the last file is left out or taken', { timeout: 60_000 }, async () => {
      const [one, other] = [await collision(), await collision()];
      const raised = await waitFor(() => alarmOf(one), { what: 'the alarm', timeoutMs: 20_000 });
      expect(raised.action).toContain('dm file why PATH');
      expect(raised.action).toMatch(/dm file release PATH;.*dm file release PATH --accept;.*--skip REASON/);
      await waitFor(() => alarmOf(other), { what: 'the other alarm', timeoutMs: 20_000 });

      await act(one.experiment, 'skip', { reason: 'a test shot' });
      await act(other.experiment, 'accept');

      for (const at of [one, other]) {
        await waitFor(async () => (await alarmOf(at)) === undefined, { what: 'the alarm to end', timeoutMs: 20_000 });
      }
    });
  });

  it.each(['retry', 'release', 'accept', 'skip'])(
    '%s leaves a file alone that is done, and says so',
    async (action) => {
      const at = await scene();
      write(at.source, 'a.h5', 'content');
      await app.ended((await app.start(at.experiment)).id);
      const before = await rowsOf(at.experiment);
      expect(await act(at.experiment, action, { reason: 'r' })).toMatchObject({
        changed: 0,
        left: [{ path: PATH, state: 'done' }],
      });
      expect(await rowsOf(at.experiment)).toEqual(before);
    },
  );

  it('retries at once what failed and would wait for long', async () => {
    const at = await scene();
    const { id } = await app.start(at.experiment, { kind: 'monitor' });
    // The storage area is not mounted for a moment; it is looked for again after ten seconds.
    const marker = join(app.app.get(StorageArea).root, '.dm-storage');
    renameSync(marker, `${marker}.away`);
    write(at.source, 'a.h5', 'content');
    const failed = await newestIs(at.experiment, 'failed');
    expect(failed).toMatchObject({ reasonCode: 'STORAGE_UNAVAILABLE' });
    renameSync(`${marker}.away`, marker);

    expect(await actAs('admin', at.experiment, { action: 'retry', acquisitionId: id })).toEqual({
      changed: 1,
      left: [],
    });

    await newestIs(at.experiment, 'done');
    expect(Date.now()).toBeLessThan(Date.parse(failed.dueAt ?? ''));
    expect(readFileSync(join(at.storage, PATH), 'utf8')).toBe('content');
    await (await app.as('admin')).post(`/acquisitions/${id}/stop`);
    await app.ended(id);
    expect(await actAs('admin', at.experiment, { action: 'retry', acquisitionId: id })).toEqual({
      changed: 0,
      left: [],
    });
  });

  it('tells of paths that nobody knows, and refuses what is no choice', async () => {
    const at = await collision();
    await expect(act(at.experiment, 'release', { paths: ['data/none'] })).rejects.toMatchObject({
      status: 404,
      code: 'NO_FILE_MATCHES',
    });
    expect(await act(at.experiment, 'accept', { paths: ['data/none', PATH] })).toMatchObject({
      changed: 1,
      left: [{ path: 'data/none', state: 'unknown' }],
    });
    await expect(actAs('admin', at.experiment, { action: 'retry' })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
    });
    await newestIs(at.experiment, 'done');
  });

  it('is for those who control acquisitions', async () => {
    const at = await collision();
    const body = { action: 'accept', paths: [PATH] };
    await expect(actAs('alice', at.experiment, body)).rejects.toMatchObject({ status: 403 });
    await expect(actAs('mallory', at.experiment, body)).rejects.toMatchObject({ status: 404 });
    const alice = await app.as('alice');
    await expect(alice.post(`/acquisitions/${at.second.id}/resume`)).rejects.toMatchObject({ status: 403 });
    await expect(alice.post('/acquisitions/clear', { experiment: at.experiment })).rejects.toMatchObject({
      status: 403,
    });
    expect(await actAs('carol', at.experiment, body)).toEqual({ changed: 1, left: [] });
    await newestIs(at.experiment, 'done');
  });

  it('resumes a monitor: what came since is taken, what was there before it is not', async () => {
    const at = await scene();
    write(at.source, 'before.h5', 'was there');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const first = await app.start(at.experiment, { kind: 'monitor', metadata: { sample: 'x' } });
    const carol = await app.as('carol');
    await expect(carol.post(`/acquisitions/${first.id}/resume`)).rejects.toMatchObject({
      code: 'ACQUISITION_NOT_ENDED',
    });
    write(at.source, 'during.h5', 'during');
    await waitFor(async () => (await rowsOf(at.experiment)).some((row) => row.state === 'done'), { timeoutMs: 20_000 });
    await carol.post(`/acquisitions/${first.id}/stop`);
    const ended = await app.ended(first.id);
    expect(ended).toMatchObject({
      status: 'done',
      stoppedBy: 'carol',
      endReason: 'stopped',
      lastFile: { path: 'data/during.h5' },
    });
    write(at.source, 'between.h5', 'nobody watched');

    const second = await carol.post<AcquisitionAnswer>(`/acquisitions/${first.id}/resume`);

    expect(second).toMatchObject({ kind: 'monitor', resumes: first.id, startedBy: 'carol', metadata: { sample: 'x' } });
    await waitFor(
      async () => (await rowsOf(at.experiment)).some((row) => row.path === 'data/between.h5' && row.state === 'done'),
      { timeoutMs: 20_000 },
    );
    await carol.post(`/acquisitions/${second.id}/stop`);
    expect(await app.ended(second.id)).toMatchObject({ counts: { done: 1 } });
  });

  it('resumes a stopped upload with its options: what it left is brought, what it brought is not again', async () => {
    const at = await scene();
    write(at.source, 'a.h5', 'long enough');
    write(at.source, 'b.h5', 'short');
    write(at.source, 'left.log', 'not asked for');
    const asked = {
      includePatterns: ['*.h5'],
      settle: { rule: 'size', minBytes: 10 },
      destDirectory: 'x',
      metadata: { sample: 'x' },
    };
    const { id } = await app.start(at.experiment, asked);
    await waitFor(async () => (await rowsOf(at.experiment)).some((row) => row.state === 'done'), { timeoutMs: 20_000 });
    const carol = await app.as('carol');
    await carol.post(`/acquisitions/${id}/stop`);
    expect(await app.ended(id)).toMatchObject({ status: 'aborted', endReason: 'stopped', counts: { done: 1 } });
    write(at.source, 'b.h5', 'long enough now');

    const second = await carol.post<AcquisitionAnswer>(`/acquisitions/${id}/resume`);

    expect(second).toMatchObject({ kind: 'upload', resumes: id, ...asked, destDirectory: 'data/x' });
    expect(await app.ended(second.id)).toMatchObject({ status: 'done', counts: { found: 1, done: 1, unchanged: 1 } });
    expect(readFileSync(join(at.storage, 'data/x/b.h5'), 'utf8')).toBe('long enough now');
  });

  it('says at the end which file came last, who stopped it and why, in the feed, too', async () => {
    const at = await scene();
    const { id } = await app.start(at.experiment, { kind: 'monitor', settle: { rule: 'size', minBytes: 10 } });
    const rowIs = (path: string, state: string) =>
      waitFor(async () => (await rowsOf(at.experiment)).some((row) => row.path === path && row.state === state), {
        what: `${path} to be ${state}`,
        timeoutMs: 20_000,
      });
    // Found first, finished last.
    write(at.source, 'slow.h5', 'short');
    await rowIs('data/slow.h5', 'settling');
    write(at.source, 'fast.h5', 'long enough');
    await rowIs('data/fast.h5', 'done');
    write(at.source, 'slow.h5', 'long enough now');
    await rowIs('data/slow.h5', 'done');
    await (await app.as('carol')).post(`/acquisitions/${id}/stop`);

    const { endReason, stoppedBy, lastFile } = await app.ended(id);

    expect({ endReason, stoppedBy, path: lastFile?.path }).toEqual({
      endReason: 'stopped',
      stoppedBy: 'carol',
      path: 'data/slow.h5',
    });
    const [event] = await waitFor(
      async () => {
        const events = await app.app
          .get(Database)
          .query<{ data: unknown }>(`SELECT data FROM event WHERE type = 'acquisition.finished' AND subject = $1`, [
            id,
          ]);
        return events.length > 0 ? events : undefined;
      },
      { what: 'the event of the end' },
    );
    expect(event?.data).toMatchObject({ status: 'done', endReason, stoppedBy, lastFile });
  });

  it('takes ended acquisitions off the list and keeps their record', async () => {
    const at = await scene();
    write(at.source, 'a.h5', 'content');
    const { id } = await app.ended((await app.start(at.experiment)).id);
    const running = await app.start(at.experiment, { kind: 'monitor' });
    const admin = await app.as('admin');
    const listed = async (query = {}) =>
      (await admin.allItems<AcquisitionAnswer>('/acquisitions', { experiment: at.experiment, ...query })).map(
        (one) => one.id,
      );
    const clear = () => admin.post('/acquisitions/clear', { experiment: at.experiment });

    expect(await clear()).toEqual({ cleared: 1 });
    expect(await clear()).toEqual({ cleared: 0 });
    expect(await listed()).toEqual([running.id]);
    expect(await listed({ cleared: 'true' })).toEqual([running.id, id]);
    expect(await listed({ cleared: 'true', until: running.createdAt })).toEqual([id]);
    expect(await listed({ cleared: 'true', since: running.createdAt })).toEqual([running.id]);
    const record = await admin.get<AcquisitionAnswer>(`/acquisitions/${id}`);
    expect(record).toMatchObject({ counts: { done: 1 }, endReason: 'completed' });
    await admin.post(`/acquisitions/${running.id}/stop`);
    await app.ended(running.id);
  });

  it('shows progress that only grows, also when a file does, with a rate while it goes on', async () => {
    const at = await scene();
    for (let file = 0; file < 20; file += 1) {
      write(at.source, `${file}.h5`, 'x'.repeat(4000));
    }
    write(at.source, 'grows.h5', 'x'.repeat(2000));
    const { id } = await app.start(at.experiment, { settle: { rule: 'size', minBytes: 3000 } });
    const admin = await app.as('admin');
    const settled: number[] = [];
    const rates: (number | null)[] = [];
    const percentages: number[] = [];
    const bars: number[] = [];
    let hasGrown = false;
    const end = await waitFor(
      async () => {
        const now = await admin.get<AcquisitionAnswer>(`/acquisitions/${id}`);
        settled.push(now.progress.filesSettled);
        rates.push(now.progress.bytesPerSecond);
        percentages.push(...(now.percentageComplete === null ? [] : [now.percentageComplete]));
        bars.push(...shareShown(progressLine(progressOf(now), 0)));
        if (now.counts.done === 20 && !hasGrown) {
          hasGrown = true;
          write(at.source, 'grows.h5', 'x'.repeat(400_000));
        }
        return now.status === 'done' ? now : undefined;
      },
      { timeoutMs: 30_000, everyMs: 5 },
    );
    expect(settled).toEqual(settled.toSorted((a, b) => a - b));
    expect(percentages).toEqual(percentages.toSorted((a, b) => a - b));
    expect(bars).toEqual(bars.toSorted((a, b) => a - b));
    expect([percentages.at(-1), bars.at(-1)]).toEqual([100, 100]);
    expect(rates.some((rate) => rate !== null && rate > 0)).toBe(true);
    expect(end.progress).toMatchObject({ filesSettled: 21, filesFound: 21, bytesPerSecond: null });
  });

  it('tells the time that is left, without what waits for a person', async () => {
    const at = await scene();
    write(at.source, 'one/a.h5', 'x'.repeat(50_000));
    write(at.source, 'two/a.h5', 'y'.repeat(50_000));
    write(at.source, 'two/b.h5', 'x'.repeat(4000));
    write(at.source, 'two/c.h5', 'x'.repeat(2000));
    await app.ended((await app.start(at.experiment, { dataDirectory: join(at.source, 'one') })).id);
    const { id } = await app.start(at.experiment, {
      dataDirectory: join(at.source, 'two'),
      settle: { rule: 'size', minBytes: 3000 },
    });
    const admin = await app.as('admin');
    const { progress } = await waitFor(
      async () => {
        const now = await admin.get<AcquisitionAnswer>(`/acquisitions/${id}`);
        return now.counts.done === 1 && now.counts.quarantined === 1 ? now : undefined;
      },
      { what: 'only the small file to be left', timeoutMs: 20_000 },
    );
    expect(progress.bytesPerSecond).toBeGreaterThan(0);
    expect(progress.remainingSeconds).toBe(Math.ceil(2000 / (progress.bytesPerSecond ?? 0)));
    write(at.source, 'two/c.h5', 'x'.repeat(3000));
    expect(await app.ended(id)).toMatchObject({
      status: 'failed',
      counts: { done: 2, quarantined: 1 },
      progress: { bytesPerSecond: null, remainingSeconds: null },
    });
  });
});
