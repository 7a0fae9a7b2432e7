import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseFilter } from '../../../src/catalog/index.js';
import { aFile, type CatalogScene, CONCURRENT_COUNTERS, manyFiles } from './catalog-scene.js';

export function countingContract(current: () => CatalogScene): void {
  let scene: CatalogScene;
  beforeEach(() => {
    scene = current();
  });

  describe('statistics', () => {
    it('are numbers that somebody computed by hand', async () => {
      await scene.catalog.upsertMany(
        scene.experiment,
        [2, 4, 4, 4, 5, 5, 7, 9].map((sizeBytes, index) => aFile({ path: `f${index}`, sizeBytes })),
      );
      const expected = {
        countFiles: 8,
        totalBytes: 40,
        meanBytes: 5,
        minBytes: 2,
        maxBytes: 9,
        standardDeviationBytes: 2,
      };
      expect(await scene.catalog.statistics(scene.experiment)).toEqual(expected);
      expect(await scene.catalog.statistics(scene.experiment, parseFilter({}))).toEqual(expected);
      expect(await scene.catalog.statistics(scene.experiment, parseFilter({ sizeBytes: { $in: [4, 5] } }))).toEqual({
        ...{ countFiles: 5, totalBytes: 22, meanBytes: 4.4, minBytes: 4, maxBytes: 5 },
        standardDeviationBytes: expect.closeTo(Math.sqrt(0.24), 12),
      });
    });

    it('of nothing have no mean', async () => {
      const nothing = {
        countFiles: 0,
        totalBytes: 0,
        meanBytes: null,
        minBytes: null,
        maxBytes: null,
        standardDeviationBytes: null,
      };
      expect(await scene.catalog.statistics(scene.experiment)).toEqual(nothing);
      expect(await scene.catalog.statistics(scene.experiment, parseFilter({ name: 'x' }))).toEqual(nothing);
      const { ids } = await scene.catalog.upsertMany(scene.experiment, [aFile()]);
      await scene.catalog.delete(scene.experiment, ids[0] ?? '');
      expect(await scene.catalog.statistics(scene.experiment)).toEqual(nothing);
    });

    it('are exact for the largest files', async () => {
      const sizeBytes = Number.MAX_SAFE_INTEGER;
      await scene.catalog.upsertMany(scene.experiment, manyFiles(3, { sizeBytes }));
      const same = { meanBytes: sizeBytes, minBytes: sizeBytes, maxBytes: sizeBytes, standardDeviationBytes: 0 };
      expect(await scene.catalog.statistics(scene.experiment)).toMatchObject(same);
      expect(await scene.catalog.statistics(scene.experiment, parseFilter({}))).toMatchObject(same);
    });

    it('find the next extreme when the file goes that held it', async () => {
      const { ids } = await scene.catalog.upsertMany(
        scene.experiment,
        [5, 1, 9, 3].map((sizeBytes) => aFile({ path: `f${sizeBytes}`, sizeBytes })),
      );
      await scene.catalog.delete(scene.experiment, ids[1] ?? '');
      await scene.catalog.upsertMany(scene.experiment, [aFile({ path: 'f9', sizeBytes: 4 })]);
      expect(await scene.catalog.statistics(scene.experiment)).toMatchObject({ minBytes: 3, maxBytes: 5 });
    });

    it('equal a full scan after random additions, changes and deletions', { timeout: 300_000 }, async () => {
      const name = fc.integer({ min: 0, max: 12 });
      const size = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.maxSafeNat());
      const write = fc.record({
        kind: fc.constant('write' as const),
        files: fc.array(fc.tuple(name, fc.integer({ min: 1, max: 2 }), size), { maxLength: 6 }),
      });
      const remove = fc.record({ kind: fc.constant('remove' as const), index: fc.nat() });
      const edit = fc.record({ kind: fc.constant('edit' as const), index: fc.nat() });
      const steps = fc.array(fc.oneof({ weight: 3, arbitrary: write }, remove, edit), { minLength: 1, maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(steps, async (sequence) => {
          await scene.renew();
          for (const step of sequence) {
            if (step.kind === 'write') {
              const files = step.files.map(([number, version, sizeBytes]) =>
                aFile({ path: `f${number}`, version, sizeBytes }),
              );
              await scene.catalog.upsertMany(scene.experiment, files);
            } else {
              const files = await scene.everything();
              const id = files[step.index % Math.max(files.length, 1)]?.id ?? 'f'.repeat(24);
              await (step.kind === 'remove' || files.length === 0
                ? scene.catalog.delete(scene.experiment, id)
                : scene.catalog.updateMetadata(scene.experiment, id, (old) => ({ ...old, edited: true })));
            }
            await scene.expectExactStatistics();
          }
        }),
        { numRuns: 40 },
      );
    });

    it(CONCURRENT_COUNTERS, async (context) => {
      context.skip(scene.server.cannot.has(CONCURRENT_COUNTERS), 'updates on this server are not atomic');
      await scene.writeFromSeveralProcesses();
      await scene.expectExactStatistics();
    });
  });

  describe('deleting', () => {
    it('removes one document, once', async () => {
      const { ids } = await scene.catalog.upsertMany(scene.experiment, manyFiles(2));
      expect(await scene.catalog.delete(scene.experiment, ids[0] ?? '')).toBe(true);
      expect(await scene.catalog.delete(scene.experiment, ids[0] ?? '')).toBe(false);
      expect((await scene.everything()).map((file) => file.id)).toEqual([ids[1]]);
      expect(await scene.catalog.statistics(scene.experiment)).toMatchObject({ countFiles: 1, totalBytes: 1 });
    });

    it('removes an experiment whole, and only that one, as often as asked', async () => {
      const other = await scene.server.newExperiment();
      await scene.catalog.upsertMany(scene.experiment, manyFiles(5));
      await scene.catalog.upsertMany(other, manyFiles(3));
      await scene.catalog.deleteExperiment(scene.experiment);
      await scene.catalog.deleteExperiment(scene.experiment);
      expect(await scene.everything()).toEqual([]);
      expect(await scene.catalog.statistics(scene.experiment)).toMatchObject({ countFiles: 0 });
      expect(await scene.catalog.statistics(other)).toMatchObject({ countFiles: 3 });
    });
  });
}
