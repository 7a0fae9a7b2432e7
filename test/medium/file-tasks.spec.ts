import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Logger } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { FILE_CATALOG, type FileCatalog } from '../../src/catalog/index.js';
import type { FileAnswer, FileTaskAnswer, FileTaskItemAnswer, LedgerRow, WhyFile } from '../../src/cli/api-types.js';
import { StationError } from '../../src/kernel/errors.js';
import { Database } from '../../src/platform/database/index.js';
import { METRICS } from '../../src/platform/metrics/index.js';
import { waitFor } from '../support/wait-for.js';
import { DaqApp } from './daq.app.js';

const md5 = (content: string | Buffer) => createHash('md5').update(content).digest('hex');

describe('what people do to stored files at large', () => {
  let app: DaqApp;
  let number = 0;

  beforeAll(async () => {
    app = await DaqApp.start();
  });
  afterAll(() => app.close());
  afterEach(() => vi.restoreAllMocks());

  async function stored(...names: string[]) {
    const experiment = `task-${(number += 1)}`;
    const places = await app.experiment(experiment, 'member');
    for (const name of names) {
      mkdirSync(dirname(join(places.source, name)), { recursive: true });
      writeFileSync(join(places.source, name), name.repeat(100));
    }
    await upload(experiment);
    return { experiment, ...places };
  }

  const upload = async (experiment: string, options: Record<string, unknown> = {}) =>
    app.ended((await app.start(experiment, options)).id);
  const api = () => app.as('admin');
  const filesOf = async (experiment: string) =>
    (await (await api()).allItems<FileAnswer>(`/experiments/${experiment}/files`)).sort((a, b) =>
      a.path.localeCompare(b.path),
    );
  const pathsOf = async (experiment: string) => (await filesOf(experiment)).map((file) => file.path);
  const preview = async (experiment: string, kind: string, options: Record<string, unknown>) =>
    (await api()).post<FileTaskAnswer>('/file-tasks', { kind, experiment, ...options });
  const itemsOf = async (id: string) => (await api()).allItems<FileTaskItemAnswer>(`/file-tasks/${id}/items`);
  const statusOf = (id: string, status: string) =>
    waitFor(
      async () => {
        const task = await (await api()).get<FileTaskAnswer>(`/file-tasks/${id}`);
        return task.status === status ? task : undefined;
      },
      { what: `file task to be ${status}`, timeoutMs: 20_000 },
    );
  const start = async ({ id, token }: FileTaskAnswer) => (await api()).post(`/file-tasks/${id}/start`, { token });
  const done = async (task: FileTaskAnswer) => {
    await start(task);
    return statusOf(task.id, 'done');
  };

  describe('delete', () => {
    it('shows exactly which files, and touches none of them', async () => {
      const scene = await stored('keep.h5', 'd/a.tif', 'd/b.tif');
      const shown = await preview(scene.experiment, 'delete', { pattern: '*.tif' });
      expect(shown).toMatchObject({ status: 'previewed', files: 2, bytes: 1400, lastCopies: 0 });
      expect((await itemsOf(shown.id)).map((item) => item.path)).toEqual(['data/d/b.tif', 'data/d/a.tif']);
      expect(await pathsOf(scene.experiment)).toEqual(['data/d/a.tif', 'data/d/b.tif', 'data/keep.h5']);
    });

    it('moves them to the trash and out of the catalog, and brings all of it back', async () => {
      const scene = await stored('keep.h5', 'd/a.tif', 'd/b.tif');
      const before = await filesOf(scene.experiment);
      const task = await done(await preview(scene.experiment, 'delete', { regex: '/d/[ab]\\.tif$' }));

      expect(task).toMatchObject({ doneFiles: 2, leftOutFiles: 0, startedBy: 'admin', trashUntil: expect.any(String) });
      expect(await pathsOf(scene.experiment)).toEqual(['data/keep.h5']);
      expect(readdirSync(join(scene.storage, 'data/d'))).toEqual([]);
      const trash = join(scene.storage, 'system/trash', task.id, 'v1/data/d/a.tif');
      expect(readFileSync(trash, 'utf8')).toBe('d/a.tif'.repeat(100));
      const why = await (await api()).get<WhyFile>(`/experiments/${scene.experiment}/why`, { path: 'data/d/a.tif' });
      expect(why.verdict).toContain('A person deleted it');
      // Deleted on purpose: the next upload does not bring it back.
      expect(await upload(scene.experiment)).toMatchObject({ counts: { found: 0, unchanged: 3 } });

      await (await api()).post(`/file-tasks/${task.id}/undo`);
      expect(await statusOf(task.id, 'undone')).toMatchObject({ undoneBy: 'admin', trashUntil: null });
      const after = await filesOf(scene.experiment);
      const facts = ({ path, version, md5Sum, metadata, replicas }: FileAnswer) => ({
        path,
        version,
        md5Sum,
        metadata,
        at: replicas[0]?.location,
      });
      expect(after.map(facts)).toEqual(before.map(facts));
      expect(readFileSync(join(scene.storage, 'data/d/a.tif'), 'utf8')).toBe('d/a.tif'.repeat(100));
    });

    it('is counted and told with ids, counts and the time it took', async () => {
      const scene = await stored('a.tif', 'b.tif');
      const log = vi.spyOn(Logger.prototype, 'log');
      const metric = async (line: string) => {
        const text = await app.app.get<Registry>(METRICS).metrics();
        const found = text.split('\n').find((one) => one.startsWith(`${line} `));
        return Number(found?.split(' ')[1] ?? 0);
      };
      const counted = async () => ({
        previews: await metric('dm_file_task_steps_total{kind="delete",step="previewed"}'),
        ends: await metric('dm_file_task_steps_total{kind="delete",step="done"}'),
        files: await metric('dm_file_task_file_seconds_count{kind="delete",outcome="done"}'),
        bytes: await metric('dm_file_task_bytes_total{kind="delete"}'),
      });
      const before = await counted();

      const task = await done(await preview(scene.experiment, 'delete', { pattern: '*.tif' }));

      // Told after it is written down.
      const after = await waitFor(async () => {
        const now = await counted();
        return now.ends > before.ends ? now : undefined;
      });
      expect(after).toEqual({
        previews: before.previews + 1,
        ends: before.ends + 1,
        files: before.files + 2,
        bytes: before.bytes + 1000,
      });
      const told = log.mock.calls.filter(([facts]) => (facts as { fileTaskId?: string }).fileTaskId === task.id);
      expect(told.map(([, message]) => String(message)).sort()).toEqual([
        'file task done',
        'file task previewed',
        'file task running',
      ]);
      for (const [facts] of told) {
        expect(facts).toMatchObject({ kind: 'delete', by: 'admin', files: 2, bytes: 1000 });
        expect(facts).toMatchObject({ experimentId: expect.any(Number), durationMs: expect.any(Number) });
      }
    });

    it('leaves out and tells what has changed since the preview', async () => {
      const scene = await stored('same.h5', 'version.h5', 'metadata.h5', 'cut.h5');
      const shown = await preview(scene.experiment, 'delete', { pattern: '*' });
      writeFileSync(join(scene.source, 'version.h5'), 'newer');
      await upload(scene.experiment);
      const [changed] = (await filesOf(scene.experiment)).filter((file) => file.path === 'data/metadata.h5');
      await (
        await api()
      ).patch(`/experiments/${scene.experiment}/files/${changed?.id}`, { metadata: { note: 'keep this' } });
      writeFileSync(join(scene.storage, 'data/cut.h5'), '');

      expect(await done(shown)).toMatchObject({ doneFiles: 1, leftOutFiles: 3 });
      const reasons = (await itemsOf(shown.id)).map(({ path, state, reasonCode }) => [path, state, reasonCode]);
      expect(reasons.sort()).toEqual([
        ['data/cut.h5', 'left-out', 'changed'],
        ['data/metadata.h5', 'left-out', 'changed'],
        ['data/same.h5', 'done', null],
        ['data/version.h5', 'left-out', 'changed'],
      ]);
      expect(readFileSync(join(scene.storage, 'data/version.h5'), 'utf8')).toBe('newer');
    });

    it('does not start without the token of its preview, nor twice', async () => {
      const scene = await stored('a.h5');
      const shown = await preview(scene.experiment, 'delete', { pattern: '*' });
      await expect((await api()).post(`/file-tasks/${shown.id}/start`, { token: 'x' })).rejects.toMatchObject({
        code: 'FILE_TASK_TOKEN',
      });
      await done(shown);
      await expect(start(shown)).rejects.toMatchObject({ code: 'FILE_TASK_STATE' });
    });

    it.each([
      [{ pattern: '*.nothing' }, 'NO_FILE_MATCHES'],
      [{ regex: '(?=x)' }, 'REGEX_INVALID'],
      [{}, 'VALIDATION_FAILED'],
      [{ pattern: '*', removeOriginals: true }, 'OPTION_NOT_APPLICABLE'],
    ])('refuses %j with %s', async (options, code) => {
      const scene = await stored('a.h5');
      await expect(preview(scene.experiment, 'delete', options)).rejects.toMatchObject({ code });
    });

    it('takes the PI or the management', async () => {
      const scene = await stored('a.h5');
      const member = await app.as('member');
      const body = { experiment: scene.experiment, pattern: '*' };
      await expect(member.post('/file-tasks', { kind: 'delete', ...body })).rejects.toMatchObject({
        code: 'FORBIDDEN',
      });
      await expect(
        member.post('/file-tasks', { kind: 'compress', removeOriginals: true, ...body }),
      ).rejects.toMatchObject({ code: 'FORBIDDEN' });
      const shown = await preview(scene.experiment, 'delete', { pattern: '*' });
      expect((await member.get<FileTaskAnswer>(`/file-tasks/${shown.id}`)).token).toBeNull();
      const stranger = await app.as('stranger');
      await expect(stranger.get(`/file-tasks/${shown.id}`)).rejects.toMatchObject({ code: 'FILE_TASK_NOT_FOUND' });
    });

    it('goes on after the catalog was away in the middle of a file', async () => {
      const scene = await stored('a.h5', 'b.h5');
      const catalog = app.app.get<FileCatalog>(FILE_CATALOG);
      const broken = vi
        .spyOn(catalog, 'delete')
        .mockRejectedValue(new StationError('unavailable', 'CATALOG_UNAVAILABLE', 'The catalog does not answer.'));
      const shown = await preview(scene.experiment, 'delete', { pattern: '*' });
      await start(shown);
      await waitFor(() => broken.mock.calls.length > 1);
      broken.mockRestore();
      expect(await statusOf(shown.id, 'done')).toMatchObject({ doneFiles: 2, leftOutFiles: 0 });
      expect(await pathsOf(scene.experiment)).toEqual([]);
    });

    it('makes room for new content, and an undo then brings the old one back as an older version', async () => {
      const scene = await stored('a.h5');
      const task = await done(await preview(scene.experiment, 'delete', { pattern: '*' }));
      writeFileSync(join(scene.source, 'a.h5'), 'newer');
      expect(await upload(scene.experiment)).toMatchObject({ status: 'done', counts: { done: 1 } });
      expect((await filesOf(scene.experiment)).map((file) => file.version)).toEqual([2]);

      await (await api()).post(`/file-tasks/${task.id}/undo`);
      await statusOf(task.id, 'undone');

      expect((await filesOf(scene.experiment)).map((file) => file.version).sort()).toEqual([1, 2]);
      expect(readFileSync(join(scene.storage, 'data/a.h5'), 'utf8')).toBe('newer');
      expect(readFileSync(join(scene.storage, 'system/versions/v1/data/a.h5'), 'utf8')).toBe('a.h5'.repeat(100));
    });

    it('empties the trash when its time is over, and says that nothing can be brought back', async () => {
      const scene = await stored('a.h5');
      const task = await done(await preview(scene.experiment, 'delete', { pattern: '*' }));
      await app.app
        .get(Database)
        .query(`UPDATE file_task SET trash_until = now() - interval '1 s' WHERE id = $1`, [task.id]);
      await statusOf(task.id, 'emptied');
      expect(existsSync(join(scene.storage, 'system/trash', task.id))).toBe(false);
      await expect((await api()).post(`/file-tasks/${task.id}/undo`)).rejects.toMatchObject({
        code: 'NOTHING_IN_TRASH',
      });
    });
  });

  describe('compress and decompress', () => {
    it.each(['gzip', 'zstd'])('make the round trip by %s, proven and cataloged on both sides', async (algorithm) => {
      const scene = await stored('d/a.h5');
      const content = 'd/a.h5'.repeat(100);
      const ending = algorithm === 'gzip' ? 'gz' : 'zst';
      const task = await done(
        await preview(scene.experiment, 'compress', { pattern: '*.h5', algorithm, removeOriginals: true }),
      );
      expect(task).toMatchObject({ doneFiles: 1, leftOutFiles: 0 });
      const compressed = readFileSync(join(scene.storage, `data/d/a.h5.${ending}`));
      const [file, ...others] = await filesOf(scene.experiment);
      expect(others).toEqual([]);
      expect(file).toMatchObject({
        path: `data/d/a.h5.${ending}`,
        md5Sum: md5(compressed),
        sizeBytes: compressed.length,
        metadata: { madeFrom: { path: 'data/d/a.h5', contentMd5Sum: md5(content), contentSizeBytes: 600 } },
        replicas: [{ proof: 'read-back' }],
      });
      expect(readdirSync(join(scene.storage, 'data/d'))).toEqual([`a.h5.${ending}`]);
      if (algorithm === 'gzip') {
        expect(gunzipSync(compressed).toString()).toBe(content);
      }

      await done(await preview(scene.experiment, 'decompress', { pattern: '*', removeOriginals: true }));
      expect(await filesOf(scene.experiment)).toMatchObject([
        { path: 'data/d/a.h5', version: 2, md5Sum: md5(content), sizeBytes: 600 },
      ]);
      expect(readFileSync(join(scene.storage, 'data/d/a.h5'), 'utf8')).toBe(content);
    });

    it('keeps the originals without removeOriginals, and does nothing twice', async () => {
      const scene = await stored('a.h5');
      await done(await preview(scene.experiment, 'compress', { pattern: '*' }));
      expect(await pathsOf(scene.experiment)).toEqual(['data/a.h5', 'data/a.h5.gz']);
      const again = await done(await preview(scene.experiment, 'compress', { pattern: '*' }));
      expect(again).toMatchObject({ files: 1, doneFiles: 0, leftOutFiles: 1 });
      expect((await itemsOf(again.id))[0]).toMatchObject({ reasonCode: 'place-taken' });
    });

    it('never takes the place of a file that is there, and never compresses a damaged one', async () => {
      const scene = await stored('taken.h5', 'damaged.h5');
      writeFileSync(join(scene.storage, 'data/taken.h5.gz'), 'somebody else wrote this');
      writeFileSync(join(scene.storage, 'data/damaged.h5'), 'DAMAGED.H5'.repeat(100));
      const task = await done(await preview(scene.experiment, 'compress', { pattern: '*', removeOriginals: true }));
      expect(task).toMatchObject({ doneFiles: 0, leftOutFiles: 2 });
      expect((await itemsOf(task.id)).map((item) => item.reasonCode).sort()).toEqual(['damaged', 'place-taken']);
      expect(readFileSync(join(scene.storage, 'data/taken.h5.gz'), 'utf8')).toBe('somebody else wrote this');
      expect(readdirSync(join(scene.storage, 'data')).sort()).toEqual(['damaged.h5', 'taken.h5', 'taken.h5.gz']);
    });

    it('leaves out what is not what its name says', async () => {
      const scene = await stored();
      writeFileSync(join(scene.source, 'real.txt.gz'), gzipSync('real'));
      writeFileSync(join(scene.source, 'fake.txt.gz'), 'no gzip at all');
      await upload(scene.experiment);
      const task = await done(await preview(scene.experiment, 'decompress', { pattern: '*' }));
      expect(task).toMatchObject({ doneFiles: 1, leftOutFiles: 1 });
      expect(readFileSync(join(scene.storage, 'data/real.txt'), 'utf8')).toBe('real');
      expect(existsSync(join(scene.storage, 'data/fake.txt'))).toBe(false);
    });

    it('takes a twin for its own that an attempt published and could not write down', async () => {
      const scene = await stored('a.h5');
      const task = await preview(scene.experiment, 'compress', { pattern: '*' });
      writeFileSync(join(scene.storage, 'data/a.h5.gz'), gzipSync(readFileSync(join(scene.storage, 'data/a.h5'))));
      expect(await done(task)).toMatchObject({ doneFiles: 1, leftOutFiles: 0 });
      const rows = await (await api()).allItems<LedgerRow>(`/experiments/${scene.experiment}/ledger`);
      expect(rows.map((row) => [row.path, row.state])).toEqual([
        ['data/a.h5.gz', 'done'],
        ['data/a.h5', 'done'],
      ]);
      rmSync(join(scene.storage, 'data/a.h5.gz'));
    });
  });
});
