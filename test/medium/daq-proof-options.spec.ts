import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FileAnswer, LedgerRow, WhyFile } from '../../src/cli/api-types.js';
import { Database } from '../../src/platform/database/index.js';
import { TRANSFER_ENGINE, type TransferEngine } from '../../src/storage/index.js';
import { waitFor } from '../support/wait-for.js';
import { DaqApp } from './daq.app.js';

describe('options that change what is done with a file', () => {
  let app: DaqApp;
  let number = 0;

  beforeAll(async () => {
    app = await DaqApp.start({ DM_DAQ_REMOVE_GRACE_SECONDS: '0' }, (home) => ({
      storage: {
        destinations: ['required', 'optional'].map((name) => ({
          name,
          engine: 'local',
          root: join(home, name),
          required: name === 'required',
          reserveBytes: 0,
        })),
      },
    }));
  });
  afterAll(() => app.close());
  afterEach(() => vi.restoreAllMocks());

  async function withFiles(...names: string[]): Promise<{ experiment: string; source: string; storage: string }> {
    const experiment = `proof-${(number += 1)}`;
    const places = await app.experiment(experiment);
    for (const name of names) {
      mkdirSync(dirname(join(places.source, name)), { recursive: true });
      writeFileSync(join(places.source, name), name);
    }
    return { experiment, ...places };
  }

  const rowsOf = async (experiment: string) =>
    (await app.as('admin')).allItems<LedgerRow & Record<string, unknown>>(`/experiments/${experiment}/ledger`);
  const filesOf = async (experiment: string) =>
    (await app.as('admin')).allItems<FileAnswer>(`/experiments/${experiment}/files`);
  const whyOf = async (experiment: string, path: string) =>
    (await app.as('admin')).get<WhyFile>(`/experiments/${experiment}/why`, { path });
  const upload = async (experiment: string, options: Record<string, unknown> = {}) =>
    app.ended((await app.start(experiment, options)).id);

  it.each([
    [{ removeSourceFiles: true, skipChecksum: true }, 'OPTION_CONFLICT'],
    [{ removeSourceFiles: true, skipTransfer: true }, 'OPTION_CONFLICT'],
    [{ removeSourceFiles: true, processingMode: 'directory' }, 'OPTION_CONFLICT'],
    [{ skipTransfer: true, skipChecksum: true }, 'OPTION_CONFLICT'],
    [{ kind: 'monitor', processingMode: 'directory' }, 'OPTION_NOT_APPLICABLE'],
    [{ kind: 'monitor', reprocessFiles: true }, 'OPTION_NOT_APPLICABLE'],
    [{ skipPlugins: ['directory'] }, 'PLUGIN_REQUIRED'],
  ])('refuses %j with %s', async (options, code) => {
    const scene = await withFiles();
    await expect(app.start(scene.experiment, options)).rejects.toMatchObject({ code });
  });

  it('skipTransfer digests and records a file where it lies, and a later upload copies it', async () => {
    const scene = await withFiles('a.h5');
    expect(await upload(scene.experiment, { skipTransfer: true })).toMatchObject({
      status: 'done',
      counts: { done: 1, unverified: 1 },
    });
    expect(existsSync(join(scene.storage, 'data/a.h5'))).toBe(false);
    const [file] = await filesOf(scene.experiment);
    expect(file).toMatchObject({
      md5Sum: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      replicas: [{ location: join(scene.source, 'a.h5'), proof: 'none' }],
    });
    const why = await whyOf(scene.experiment, 'data/a.h5');
    expect(why.verdict).toContain('the station has no copy of it');

    expect(await upload(scene.experiment)).toMatchObject({ status: 'done', counts: { done: 1, unverified: 0 } });
    expect(readFileSync(join(scene.storage, 'data/a.h5'), 'utf8')).toBe('a.h5');
    expect((await whyOf(scene.experiment, 'data/a.h5')).verdict).toContain('It is safe');
  });

  it('skipChecksum gives a copy that does not count as verified, and its next version keeps it', async () => {
    const scene = await withFiles('a.h5');
    expect(await upload(scene.experiment, { skipChecksum: true })).toMatchObject({
      status: 'done',
      counts: { done: 1, unverified: 1 },
    });
    expect((await filesOf(scene.experiment))[0]).toMatchObject({ md5Sum: null, replicas: [{ proof: 'size' }] });
    expect((await whyOf(scene.experiment, 'data/a.h5')).verdict).toContain('does not count as verified');

    writeFileSync(join(scene.source, 'a.h5'), 'second');
    expect(await upload(scene.experiment)).toMatchObject({ status: 'done', counts: { done: 1, quarantined: 0 } });
    expect(readFileSync(join(scene.storage, 'system/versions/v1/data/a.h5'), 'utf8')).toBe('a.h5');
    const versions = (await filesOf(scene.experiment)).map(({ version, replicas }) => [version, replicas[0]?.proof]);
    expect(versions.sort()).toEqual([
      [1, 'size'],
      [2, 'read-back'],
    ]);
  });

  it('reprocessFiles verifies and catalogs again without making a version, once per upload', async () => {
    const scene = await withFiles('a.h5');
    await upload(scene.experiment);
    const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
    const transfer = vi.spyOn(engine, 'transfer');
    expect(await upload(scene.experiment)).toMatchObject({ counts: { found: 0, unchanged: 1 } });
    expect(transfer).not.toHaveBeenCalled();

    const again = await upload(scene.experiment, { reprocessFiles: true, metadata: { pass: 'second' } });

    expect(again).toMatchObject({ status: 'done', counts: { found: 1, done: 1 } });
    expect(transfer.mock.calls.flatMap(([tasks]) => tasks).length).toBe(1);
    const [row, first] = await rowsOf(scene.experiment);
    expect(row).toMatchObject({ version: null, state: 'done', reprocesses: first?.id });
    expect(await filesOf(scene.experiment)).toMatchObject([{ version: 1, metadata: { pass: 'second' } }]);
    // Changed content is a version like any other.
    writeFileSync(join(scene.source, 'a.h5'), 'changed');
    await upload(scene.experiment, { reprocessFiles: true });
    expect((await filesOf(scene.experiment)).map((file) => file.version).sort()).toEqual([1, 2]);
  });

  describe('processingMode directory', () => {
    it('catalogs nothing before the last file is verified, and then everything', async () => {
      const scene = await withFiles('a.h5', 'b.h5', 'd/c.h5');
      const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
      const copy = engine.transfer.bind(engine);
      let isHeld = true;
      vi.spyOn(engine, 'transfer').mockImplementation(async (tasks) => {
        const held = tasks.filter((task) => isHeld && Buffer.from(task.destinationPath).toString().endsWith('c.h5'));
        const outcomes = await copy(tasks.filter((task) => !held.includes(task)));
        const full = { status: 'failed', kind: 'no-space', code: 'ENOSPC', message: 'full' } as const;
        return [...outcomes, ...held.map(({ id }) => ({ id, ...full }))];
      });
      const { id } = await app.start(scene.experiment, { processingMode: 'directory' });
      await waitFor(
        async () => (await rowsOf(scene.experiment)).filter((row) => row.state === 'cataloguing').length === 2,
      );
      expect(await filesOf(scene.experiment)).toEqual([]);
      expect((await rowsOf(scene.experiment)).some((row) => row.reasonCode === 'waits-for-directory')).toBe(true);
      // The gate looks again and again, and still nothing of the unit is cataloged.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(await filesOf(scene.experiment)).toEqual([]);

      isHeld = false;
      await app.app.get(Database).query(`UPDATE ledger SET due_at = now() WHERE state = 'failed'`);

      expect(await app.ended(id)).toMatchObject({ status: 'done', counts: { done: 3 } });
      expect((await filesOf(scene.experiment)).length).toBe(3);
    });

    it('leaves the whole unit in quarantine when one file cannot be brought, and takes it up again later', async () => {
      const scene = await withFiles('a.h5', 'b.h5');
      mkdirSync(join(scene.storage, 'data'), { recursive: true });
      writeFileSync(join(scene.storage, 'data/b.h5'), 'somebody else wrote this');

      const end = await upload(scene.experiment, { processingMode: 'directory' });

      expect(end).toMatchObject({ status: 'failed', counts: { done: 0, quarantined: 2 } });
      expect((await rowsOf(scene.experiment)).map((row) => row.reasonCode).sort()).toEqual([
        'destination-occupied',
        'directory-incomplete',
      ]);
      expect(await filesOf(scene.experiment)).toEqual([]);
      rmSync(join(scene.storage, 'data/b.h5'));
      expect(await upload(scene.experiment, { processingMode: 'directory' })).toMatchObject({
        status: 'done',
        counts: { done: 2 },
      });
      expect((await filesOf(scene.experiment)).length).toBe(2);
    });
  });

  describe('removeSourceFiles', () => {
    const decided = (experiment: string, path: string, sentence: string) =>
      waitFor(
        async () => (await whyOf(experiment, path)).rows[0]?.timeline.some(({ what }) => what.includes(sentence)),
        { what: `${path}: ${sentence}` },
      );

    /** Nothing is removed while this stands: the station then takes its time between the copy and the removal. */
    async function uploaded(...names: string[]) {
      return uploadedTo([], ...names);
    }

    async function uploadedTo(destinations: string[], ...names: string[]) {
      const scene = await withFiles(...names);
      const database = app.app.get(Database);
      await database.query(`CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN NEW.due_at = now() + interval '1 hour'; RETURN NEW; END $$`);
      await database.query(
        `CREATE OR REPLACE TRIGGER hold BEFORE INSERT ON source_removal FOR EACH ROW EXECUTE FUNCTION hold()`,
      );
      await upload(scene.experiment, { removeSourceFiles: true, destinations });
      await waitFor(
        async () => (await database.query(`SELECT 1 FROM source_removal WHERE outcome IS NULL`)).length > 0,
      );
      const goOn = async () => {
        await database.query(`DROP TRIGGER hold ON source_removal`);
        await database.query(`UPDATE source_removal SET due_at = now() WHERE outcome IS NULL`);
      };
      return { ...scene, goOn };
    }

    it('removes a file whose copy is proven, and says when', async () => {
      const scene = await uploaded('a.h5', 'd/b.h5');
      expect(existsSync(join(scene.source, 'a.h5'))).toBe(true);
      await scene.goOn();
      await decided(scene.experiment, 'data/a.h5', 'source file removed');
      await decided(scene.experiment, 'data/d/b.h5', 'source file removed');
      expect(existsSync(join(scene.source, 'a.h5'))).toBe(false);
      expect(existsSync(join(scene.source, 'd/b.h5'))).toBe(false);
      expect(readFileSync(join(scene.storage, 'data/a.h5'), 'utf8')).toBe('a.h5');
      expect((await rowsOf(scene.experiment))[0]).toMatchObject({ sourceRemovedAt: expect.any(String) as string });
    });

    it.each<[string, (scene: { source: string; storage: string }) => void, string]>([
      ['was written to', ({ source }) => writeFileSync(join(source, 'a.h5'), 'A.H5'), 'It was written to after'],
      [
        'was replaced by one of the same size and time',
        ({ source }) => {
          const { atime, mtime } = statSync(join(source, 'a.h5'));
          writeFileSync(join(source, 'new'), 'B.H5');
          utimesSync(join(source, 'new'), atime, mtime);
          renameSync(join(source, 'new'), join(source, 'a.h5'));
        },
        'Another file has taken its name',
      ],
      ['has lost its copy', ({ storage }) => rmSync(join(storage, 'data/a.h5')), 'Its copy is not in storage'],
      ['has a cut copy', ({ storage }) => writeFileSync(join(storage, 'data/a.h5'), ''), 'has another size'],
    ])('keeps a file that %s', async (_, tamper, sentence) => {
      const scene = await uploaded('a.h5');
      tamper(scene);
      await scene.goOn();
      await decided(scene.experiment, 'data/a.h5', sentence);
      expect(existsSync(join(scene.source, 'a.h5'))).toBe(true);
      expect((await rowsOf(scene.experiment))[0]).toMatchObject({ sourceRemovedAt: null });
    });

    it.each([
      [`UPDATE replica SET proof = 'read-back-unsynced'`, 'never justifies a deletion'],
      [`UPDATE replica SET proof = 'size', md5_sum = NULL`, 'never justifies a deletion'],
      [`UPDATE replica SET trouble = 'damaged'`, 'An audit found its copy damaged'],
      [`UPDATE replica SET md5_sum = repeat('0', 32)`, 'tells of other content'],
      [`DELETE FROM replica`, 'no record of a copy'],
    ])('keeps a file after %s', async (change, sentence) => {
      const scene = await uploaded('a.h5');
      const [row] = await rowsOf(scene.experiment);
      await app.app.get(Database).query(`${change} WHERE ledger_id = $1`, [row?.id]);
      await scene.goOn();
      await decided(scene.experiment, 'data/a.h5', sentence);
      expect(existsSync(join(scene.source, 'a.h5'))).toBe(true);
    });

    describe('with further destinations', () => {
      const setAbsent = (name: string, isAbsent: boolean) => {
        const marker = join(app.home, name, '.dm-storage');
        renameSync(isAbsent ? marker : `${marker}.away`, isAbsent ? `${marker}.away` : marker);
      };
      /** It was looked at, and is to be looked at again. */
      const isPutOff = async (scene: { experiment: string }) => {
        const [removal] = await app.app.get(Database).query<{ is_put_off: boolean }>(
          `SELECT s.due_at > now() + interval '10 seconds' AS is_put_off FROM source_removal s
           JOIN ledger l ON l.id = s.ledger_id JOIN experiment e ON e.id = l.experiment_id
           WHERE e.name = $1 AND s.outcome IS NULL`,
          [scene.experiment],
        );
        return removal?.is_put_off;
      };

      it('removes a file only when its copy at a required one is proven, too', async () => {
        setAbsent('required', true);
        const scene = await uploadedTo(['required'], 'a.h5');
        await scene.goOn();
        await waitFor(() => isPutOff(scene), { what: 'a look at it' });
        expect(existsSync(join(scene.source, 'a.h5'))).toBe(true);
        setAbsent('required', false);
        await waitFor(async () => (await whyOf(scene.experiment, 'data/a.h5')).rows[0]?.replicas.length === 2, {
          timeoutMs: 20_000,
          what: 'the copy there',
        });
        await app.app.get(Database).query(`UPDATE source_removal SET due_at = now() WHERE outcome IS NULL`);
        await decided(scene.experiment, 'data/a.h5', 'source file removed');
        expect(existsSync(join(scene.source, 'a.h5'))).toBe(false);
      });

      it('does not wait for one that is not required', async () => {
        setAbsent('optional', true);
        const scene = await uploadedTo(['optional'], 'a.h5');
        await scene.goOn();
        await decided(scene.experiment, 'data/a.h5', 'source file removed');
        setAbsent('optional', false);
      });

      it('keeps a file whose copy at a required one was never synced', async () => {
        const scene = await uploadedTo(['required'], 'a.h5');
        await waitFor(async () => (await whyOf(scene.experiment, 'data/a.h5')).rows[0]?.replicas.length === 2);
        const [row] = await rowsOf(scene.experiment);
        await app.app
          .get(Database)
          .query(`UPDATE replica SET proof = 'read-back-unsynced' WHERE ledger_id = $1 AND destination = 'required'`, [
            row?.id,
          ]);
        await scene.goOn();
        await decided(scene.experiment, 'data/a.h5', 'Its copy at required is proven by read-back-unsynced only');
        expect(existsSync(join(scene.source, 'a.h5'))).toBe(true);
      });
    });

    it('waits for another acquisition that has the same file still to copy', async () => {
      const scene = await uploaded('a.h5');
      const other = await withFiles();
      const engine = app.app.get<TransferEngine>(TRANSFER_ENGINE);
      const copy = engine.transfer.bind(engine);
      const line = Promise.withResolvers<undefined>();
      vi.spyOn(engine, 'transfer').mockImplementation(async (tasks) => {
        await line.promise;
        return copy(tasks);
      });
      const second = await app.start(other.experiment, { dataDirectory: scene.source });
      await waitFor(async () => (await rowsOf(other.experiment)).length === 1);
      await scene.goOn();
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(existsSync(join(scene.source, 'a.h5'))).toBe(true);

      line.resolve(undefined);
      expect(await app.ended(second.id)).toMatchObject({ status: 'done', counts: { done: 1 } });
      await app.app.get(Database).query(`UPDATE source_removal SET due_at = now() WHERE outcome IS NULL`);
      await decided(scene.experiment, 'data/a.h5', 'source file removed');
    });
  });
});
