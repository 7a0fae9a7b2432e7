import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type NewCatalogFile, parseSort } from '../../../src/catalog/index.js';
import { mergePatch } from '../../../src/catalog/metadata/merge-patch.js';
import { aFile, type CatalogScene, CONCURRENT_UPDATES, manyFiles } from './catalog-scene.js';

export function recordingContract(current: () => CatalogScene): void {
  let scene: CatalogScene;
  beforeEach(() => {
    scene = current();
  });

  describe('recording files', () => {
    it('gives back every fact as it was told', async () => {
      const replicas = [{ location: '/store/caf\\xe9.h5', proof: 'md5', verifiedAt: '2026-11-20T08:15:31.000Z' }];
      const told: NewCatalogFile = {
        id: '674017f5c8d3b2a1908f7e6d',
        path: 'data/scan 1/caf\\xe9 😀.h5',
        version: 3,
        sizeBytes: 6 * 2 ** 30,
        md5Sum: '9e107d9d372bb6826bd81d3542a419d6',
        createdAt: '2026-11-20T08:15:00.001Z',
        modifiedAt: new Date('2026-11-20T08:15:30.123Z'),
        storedAt: '2026-11-20T09:15:31.500+01:00',
        acquisitionId: '674017f5c8d3b2a1908f7e00',
        jobId: '674017f5c8d3b2a1908f7e01',
        ledgerId: '12',
        replicas,
        metadata: { sample: 'Si111', temperature: 4.2 },
      };
      expect(await scene.catalog.upsertMany(scene.experiment, [told])).toEqual({
        inserted: 1,
        updated: 0,
        ids: [told.id],
      });
      const file = await scene.catalog.get(scene.experiment, told.id ?? '');
      expect(file).toEqual({
        ...told,
        experimentId: scene.experiment,
        name: 'caf\\xe9 😀.h5',
        modifiedAt: '2026-11-20T08:15:30.123Z',
        storedAt: '2026-11-20T08:15:31.500Z',
        revision: 1,
        updatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      });
    });

    it('changes nothing when told the same again', async () => {
      const files = manyFiles(30, { metadata: { a: [1, { b: null }], c: 'x' }, md5Sum: 'a'.repeat(32) });
      const first = await scene.catalog.upsertMany(scene.experiment, files);
      const before = await scene.everything();
      expect(await scene.catalog.upsertMany(scene.experiment, files)).toEqual({
        inserted: 0,
        updated: 0,
        ids: first.ids,
      });
      expect(await scene.everything()).toEqual(before);
    });

    it('updates a known version under its id, and keeps what was not told this time', async () => {
      const { ids } = await scene.catalog.upsertMany(scene.experiment, [
        aFile({ md5Sum: 'a'.repeat(32), jobId: 'job', storedAt: '2026-11-20T08:15:31.000Z', sizeBytes: 1 }),
      ]);
      const result = await scene.catalog.upsertMany(scene.experiment, [aFile({ sizeBytes: 2, acquisitionId: 'daq' })]);
      expect(result).toEqual({ inserted: 0, updated: 1, ids });
      expect(await scene.catalog.get(scene.experiment, ids[0] ?? '')).toMatchObject({
        sizeBytes: 2,
        acquisitionId: 'daq',
        md5Sum: 'a'.repeat(32),
        jobId: 'job',
        storedAt: '2026-11-20T08:15:31.000Z',
        revision: 2,
      });
    });

    it('keeps metadata that somebody edited, and adds new keys', async () => {
      const { ids } = await scene.catalog.upsertMany(scene.experiment, [
        aFile({ metadata: { sample: 'Si', energy: 9 } }),
      ]);
      const id = ids[0] ?? '';
      await scene.catalog.updateMetadata(scene.experiment, id, (metadata) => ({ ...metadata, sample: 'Si111' }));
      await scene.catalog.upsertMany(scene.experiment, [
        aFile({ metadata: { sample: 'Si', energy: 9, detector: 'Eiger' } }),
      ]);
      const file = await scene.catalog.get(scene.experiment, id);
      expect(file?.metadata).toEqual({ sample: 'Si111', energy: 9, detector: 'Eiger' });
    });

    it('takes the same version twice in one call as if it had come in two', async () => {
      const result = await scene.catalog.upsertMany(scene.experiment, [
        aFile({ sizeBytes: 1, metadata: { a: 1 }, md5Sum: 'b'.repeat(32) }),
        aFile({ path: 'data/other.h5' }),
        aFile({ sizeBytes: 2, metadata: { a: 2, b: 2 } }),
      ]);
      expect(result.inserted).toBe(2);
      expect(result.ids[0]).toBe(result.ids[2]);
      expect(await scene.catalog.get(scene.experiment, result.ids[0] ?? '')).toMatchObject({
        sizeBytes: 2,
        md5Sum: 'b'.repeat(32),
        metadata: { a: 1, b: 2 },
      });
    });

    it('updates a whole batch of known versions', async () => {
      const { ids } = await scene.catalog.upsertMany(scene.experiment, manyFiles(300));
      const told = manyFiles(300, { metadata: { sample: 'Si' } });
      expect(await scene.catalog.upsertMany(scene.experiment, told)).toEqual({ inserted: 0, updated: 300, ids });
      expect(new Set((await scene.everything()).map((file) => file.metadata['sample']))).toEqual(new Set(['Si']));
    });

    it('leaves known versions alone when asked to keep them', async () => {
      await scene.catalog.upsertMany(scene.experiment, [aFile({ sizeBytes: 1 })]);
      const result = await scene.catalog.upsertMany(scene.experiment, [aFile({ sizeBytes: 2 })], { existing: 'keep' });
      expect(result).toMatchObject({ inserted: 0, updated: 0 });
      expect(await scene.catalog.getByPath(scene.experiment, 'data/a.h5')).toMatchObject({
        id: result.ids[0],
        sizeBytes: 1,
      });
    });

    it('refuses a batch whole when one file is not valid', async () => {
      const files = [aFile(), aFile({ path: '../outside' })];
      await expect(scene.catalog.upsertMany(scene.experiment, files)).rejects.toMatchObject({
        code: 'CATALOG_FILE_INVALID',
      });
      expect(await scene.everything()).toEqual([]);
    });

    it('says when an id is taken by another file', async () => {
      const { ids } = await scene.catalog.upsertMany(scene.experiment, [aFile()]);
      const other = aFile({ id: ids[0] ?? '', path: 'data/b.h5' });
      await expect(scene.catalog.upsertMany(scene.experiment, [other])).rejects.toMatchObject({
        code: 'CATALOG_ID_TAKEN',
      });
      expect(await scene.catalog.statistics(scene.experiment)).toMatchObject({ countFiles: 1, totalBytes: 100 });
    });

    it('writes more than one batch in the order of the call', async () => {
      const { inserted, ids } = await scene.catalog.upsertMany(scene.experiment, manyFiles(2500));
      expect(inserted).toBe(2500);
      expect(await scene.catalog.get(scene.experiment, ids[2345] ?? '')).toMatchObject({ sizeBytes: 2345 });
      expect(await scene.catalog.statistics(scene.experiment)).toMatchObject({ countFiles: 2500, maxBytes: 2499 });
    });
  });

  it('doubles no file when several processes record the same ones', async () => {
    const results = await scene.writeFromSeveralProcesses();
    expect(results.reduce((sum, result) => sum + result.inserted, 0)).toBe(600);
    expect(new Set(results.flatMap((result) => result.ids)).size).toBe(600);
    expect(await scene.everything()).toHaveLength(600);
  });

  describe('paths and versions', () => {
    it('answers the latest version of a path, or the one that was asked for', async () => {
      await scene.catalog.upsertMany(
        scene.experiment,
        [2, 10, 1].map((version) => aFile({ version, sizeBytes: version })),
      );
      expect(await scene.catalog.getByPath(scene.experiment, 'data/a.h5')).toMatchObject({ version: 10 });
      expect(await scene.catalog.getByPath(scene.experiment, 'data/a.h5', 2)).toMatchObject({ sizeBytes: 2 });
      expect(await scene.catalog.getByPath(scene.experiment, 'data/a.h5', 3)).toBeUndefined();
      expect(await scene.catalog.getByPath(scene.experiment, 'data/A.h5')).toBeUndefined();
    });

    it('tells paths of 4 KB apart by their last character', async () => {
      const long = `data/${'x'.repeat(200)}/`.repeat(19);
      const files = ['1', '2'].map((end) => aFile({ path: `${long}${end}` }));
      expect(await scene.catalog.upsertMany(scene.experiment, files)).toMatchObject({ inserted: 2 });
      expect(await scene.catalog.getByPath(scene.experiment, `${long}2`)).toMatchObject({ path: `${long}2` });
      expect(await scene.paths({ path: `${long}1` })).toEqual([`${long}1`]);
    });

    it('finds only latest versions, also behind a filter and over pages', async () => {
      const files = [1, 2, 3].flatMap((version) =>
        manyFiles(20 + version, { version, metadata: { isEven: version === 2 } }),
      );
      await scene.catalog.upsertMany(scene.experiment, files);
      const sort = parseSort('path');
      const versions: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await scene.catalog.query(scene.experiment, { sort, limit: 5, latestOnly: true, cursor });
        versions.push(...page.items.map((file) => file.version));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(versions).toEqual(Array(23).fill(3));
      expect(await scene.paths({ 'metadata.isEven': true }, { latestOnly: true })).toEqual([]);
      expect(await scene.paths({ 'metadata.isEven': true })).toHaveLength(22);
    });
  });

  describe('metadata', () => {
    it('survives whatever its keys and texts are', async () => {
      const metadata = {
        'a.b': 1,
        '.': 2,
        $where: 3,
        x$y: 4,
        '': 5,
        '0': 6,
        '12': { '3': 7 },
        ' ': 8,
        _id: 9,
        constructor: 10,
        toJSON: 11,
        'nul\u0000key': 'nul\u0000text',
        'lone\uD800key': 'lone\uDFFFtext',
        '\uFDD0': '\uFDD0\uFDE0\uFDE0\uFDE4\uFDE1',
        '\uFDD0\uFDE0\uFDE0\uFDE2\uFDEE': ['\uFDD0', '😀', '\u2028', '\\u0000', '%2E'],
        ['__proto__']: { x: 1 },
        deep: { list: [{ 'k.k': null }, {}, 'x', true, 1e300, 5e-324, -0.5, 9007199254740991] },
      };
      const { ids } = await scene.catalog.upsertMany(scene.experiment, [aFile({ metadata })]);
      expect((await scene.catalog.get(scene.experiment, ids[0] ?? ''))?.metadata).toStrictEqual(metadata);
    });

    it('survives as random JSON', async () => {
      const text = fc.string({ unit: 'binary', maxLength: 8 });
      const { json } = fc.letrec<{ json: unknown }>((tie) => ({
        json: fc.oneof(
          { maxDepth: 3 },
          text,
          fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
          fc.boolean(),
          fc.constant(null),
          fc.array(fc.oneof(text, fc.integer()), { maxLength: 3 }),
          fc.dictionary(text, tie('json'), { maxKeys: 3, noNullPrototype: true }),
        ),
      }));
      await fc.assert(
        fc.asyncProperty(fc.dictionary(text, json, { maxKeys: 4, noNullPrototype: true }), async (metadata) => {
          const { ids } = await scene.catalog.upsertMany(scene.experiment, [
            aFile({ path: `data/${Math.random()}`, metadata }),
          ]);
          expect((await scene.catalog.get(scene.experiment, ids[0] ?? ''))?.metadata).toStrictEqual(metadata);
        }),
        { numRuns: 150 },
      );
    });

    it('is changed under the revision that was read, or not at all', async () => {
      const { ids } = await scene.catalog.upsertMany(scene.experiment, [aFile({ metadata: { a: 1, b: 2 } })]);
      const id = ids[0] ?? '';
      const changed = await scene.catalog.updateMetadata(
        scene.experiment,
        id,
        (old) => mergePatch(old, { b: null, 'c.d': 3 }),
        1,
      );
      expect(changed).toMatchObject({ revision: 2, metadata: { a: 1, 'c.d': 3 } });
      expect(changed).toEqual(await scene.catalog.get(scene.experiment, id));
      await expect(scene.catalog.updateMetadata(scene.experiment, id, () => ({}), 1)).rejects.toMatchObject({
        code: 'CATALOG_FILE_CHANGED',
      });
      expect((await scene.catalog.get(scene.experiment, id))?.metadata).toEqual({ a: 1, 'c.d': 3 });
    });

    it(CONCURRENT_UPDATES, async (context) => {
      context.skip(scene.server.cannot.has(CONCURRENT_UPDATES), 'updates on this server are not atomic');
      const { ids } = await scene.catalog.upsertMany(scene.experiment, [aFile()]);
      const keys = ['a', 'b', 'c', 'd', 'e'];
      await Promise.all(
        keys.map((key) =>
          scene.catalog.updateMetadata(scene.experiment, ids[0] ?? '', (old) => ({ ...old, [key]: true })),
        ),
      );
      const file = await scene.catalog.get(scene.experiment, ids[0] ?? '');
      expect(Object.keys(file?.metadata ?? {}).sort()).toEqual(keys);
      expect(file?.revision).toBe(6);
    });

    it('cannot be changed where there is no file', async () => {
      const change = scene.catalog.updateMetadata(scene.experiment, 'f'.repeat(24), () => ({}));
      await expect(change).rejects.toMatchObject({ code: 'CATALOG_FILE_NOT_FOUND', kind: 'not-found' });
    });
  });
}
