import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type CatalogFile, parseFilter, parseSort } from '../../../src/catalog/index.js';
import { aFile, type CatalogScene, manyFiles, NESTED_ARRAYS } from './catalog-scene.js';
import { AWKWARD, filesOf, filterOf } from './filter-cases.js';

export function searchingContract(current: () => CatalogScene): void {
  let scene: CatalogScene;
  beforeEach(() => {
    scene = current();
  });

  describe('searching', () => {
    it('finds the same as an independent evaluator of MongoDB filters', { timeout: 300_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(
          filesOf(AWKWARD, 60),
          fc.array(filterOf(AWKWARD), { minLength: 60, maxLength: 60 }),
          async (files, filters) => {
            await scene.expectSameMatches(files, filters);
          },
        ),
        { numRuns: 8, endOnFailure: true },
      );
    });

    it('looks at the elements of arrays, also of those that documents in an array hold', async () => {
      const cases = {
        flat: [1, 'x'],
        objects: [{ b: 1 }, { c: 1 }],
        lists: [{ b: [1] }, 'x', { b: 2 }],
        scalar: 1,
        object: { b: 1 },
      };
      await scene.catalog.upsertMany(
        scene.experiment,
        Object.entries(cases).map(([path, a]) => aFile({ path, metadata: { a } })),
      );
      expect(await scene.paths({ 'metadata.a': 1 })).toEqual(['flat', 'scalar']);
      expect(await scene.paths({ 'metadata.a': { $gt: 0, $lt: 2 } })).toEqual(['flat', 'scalar']);
      expect(await scene.paths({ 'metadata.a': { $all: ['x', 1] } })).toEqual(['flat']);
      expect(await scene.paths({ 'metadata.a.b': 1 })).toEqual(['lists', 'object', 'objects']);
      expect(await scene.paths({ 'metadata.a.b': { $gte: 2 } })).toEqual(['lists']);
      expect(await scene.paths({ 'metadata.a.b': { $ne: 1 } })).toEqual(['flat', 'scalar']);
      expect(await scene.paths({ 'metadata.a.b': { $exists: true } })).toEqual(['lists', 'object', 'objects']);
    });

    it(NESTED_ARRAYS, async (context) => {
      context.skip(scene.server.cannot.has(NESTED_ARRAYS), 'this server cannot store arrays within arrays');
      const cases = { flat: [1, 'x'], nested: [[1, 'x']], deep: [{ b: [[1]] }], hidden: [[{ b: 1 }]] };
      await scene.catalog.upsertMany(
        scene.experiment,
        Object.entries(cases).map(([path, a]) => aFile({ path, metadata: { a } })),
      );
      expect(await scene.paths({ 'metadata.a': 1 })).toEqual(['flat']);
      expect(await scene.paths({ 'metadata.a': { $gt: 0 } })).toEqual(['flat']);
      expect(await scene.paths({ 'metadata.a': { $regex: 'x' } })).toEqual(['flat']);
      expect(await scene.paths({ 'metadata.a.b': { $in: [1] } })).toEqual([]);
      expect(await scene.paths({ 'metadata.a.b': { $exists: true } })).toEqual(['deep']);
      expect((await scene.catalog.getByPath(scene.experiment, 'nested'))?.metadata).toEqual({ a: [[1, 'x']] });
    });

    it('orders and compares text by its bytes', async () => {
      const texts = ['a', 'Z', 'é', '\uFFFD', '😀', 'z', ''];
      await scene.catalog.upsertMany(
        scene.experiment,
        texts.map((text, index) => aFile({ path: `${text}x${index}`, metadata: { text } })),
      );
      const { items } = await scene.catalog.query(scene.experiment, { sort: parseSort('path'), limit: 10 });
      const byBytes = (left: string, right: string) => Buffer.compare(Buffer.from(left), Buffer.from(right));
      expect(items.map((file) => file.path)).toEqual(texts.map((text, index) => `${text}x${index}`).sort(byBytes));
      const above = items.map((file) => String(file.metadata['text'])).filter((text) => byBytes(text, '\uFFFD') > 0);
      expect(above).toEqual(['😀']);
      expect(await scene.paths({ 'metadata.text': { $gt: '\uFFFD' } })).toEqual(['😀x4']);
    });

    it('takes null for "null or missing", and $exists for "there"', async () => {
      const cases = { missing: {}, null: { x: null }, inList: { x: [1, null] }, value: { x: 0 }, empty: { x: [] } };
      await scene.catalog.upsertMany(
        scene.experiment,
        Object.entries(cases).map(([path, metadata]) => aFile({ path, metadata })),
      );
      expect(await scene.paths({ 'metadata.x': null })).toEqual(['inList', 'missing', 'null']);
      expect(await scene.paths({ 'metadata.x': { $ne: null } })).toEqual(['empty', 'value']);
      expect(await scene.paths({ 'metadata.x': { $exists: true } })).toEqual(['empty', 'inList', 'null', 'value']);
      expect(await scene.paths({ 'metadata.x': { $exists: false } })).toEqual(['missing']);
      expect(await scene.paths({ 'metadata.x': { $ne: 0 } })).toEqual(['empty', 'inList', 'missing', 'null']);
      expect(await scene.paths({ md5Sum: null })).toHaveLength(5);
    });

    it('reads patterns alike: line ends, dots, classes and case', async () => {
      const texts = {
        plain: 'abc',
        line: 'abc\n',
        lines: 'x\nabc',
        upper: 'ABC',
        accent: 'Éa',
        digit: '٣',
        space: '\u00a0',
        nul: 'a\u0000b',
      };
      await scene.catalog.upsertMany(
        scene.experiment,
        Object.entries(texts).map(([path, text]) => aFile({ path, metadata: { text } })),
      );
      const matches = (pattern: string, options = '') =>
        scene.paths({ 'metadata.text': { $regex: pattern, $options: options } });
      expect(await matches('c$')).toEqual(['lines', 'plain']);
      expect(await matches('^abc')).toEqual(['line', 'plain']);
      expect(await matches('^.*$')).toEqual(['accent', 'digit', 'nul', 'plain', 'space', 'upper']);
      expect(await matches('^[^x]+$')).toEqual(['accent', 'digit', 'line', 'nul', 'plain', 'space', 'upper']);
      expect(await matches('^abc$', 'i')).toEqual(['plain', 'upper']);
      expect(await matches('é', 'i')).toEqual([]);
      expect(await matches('\\d|\\s|\\w{4}')).toEqual(['line', 'lines']);
      expect(await matches('^(?:a|x)[\\n]?(b|abc)')).toEqual(['line', 'lines', 'plain']);
      expect(await matches('[\\x{c9}٠-٩]')).toEqual(['accent', 'digit']);
    });

    it('finds keys with dots, dollars and digits by escaped fields', async () => {
      await scene.catalog.upsertMany(scene.experiment, [
        aFile({ metadata: { 'a.b': { $c: 1 }, list: ['x', 'y'], '7': { '0': 'z' } } }),
      ]);
      expect(await scene.paths({ 'metadata.a\\.b.$c': 1 })).toHaveLength(1);
      expect(await scene.paths({ 'metadata.a.b.$c': 1 })).toHaveLength(0);
      expect(await scene.paths({ 'metadata.7.0': 'z' })).toHaveLength(1);
      expect(await scene.paths({ 'metadata.list.0': 'x' })).toHaveLength(0);
    });

    it('stays within one experiment', async () => {
      const other = await scene.server.newExperiment();
      const { ids } = await scene.catalog.upsertMany(other, [aFile()]);
      expect(await scene.paths({})).toEqual([]);
      expect(await scene.catalog.get(scene.experiment, ids[0] ?? '')).toBeUndefined();
      expect(await scene.catalog.getByPath(scene.experiment, 'data/a.h5')).toBeUndefined();
      expect(await scene.catalog.delete(scene.experiment, ids[0] ?? '')).toBe(false);
      expect(await scene.catalog.statistics(other)).toMatchObject({ countFiles: 1 });
    });

    it('stops at the time limit and says so', async () => {
      await scene.catalog.upsertMany(scene.experiment, manyFiles(4000, { metadata: { text: 'a'.repeat(2000) } }));
      const hasty = scene.server.open({ queryTimeLimitMs: 1 });
      const filter = parseFilter({ 'metadata.text': { $regex: '(a+b?)+(a+c?)+z' } });
      await expect(hasty.query(scene.experiment, { filter, limit: 10 })).rejects.toMatchObject({
        code: 'CATALOG_QUERY_TIMEOUT',
      });
      await expect(hasty.statistics(scene.experiment, filter)).rejects.toMatchObject({
        code: 'CATALOG_QUERY_TIMEOUT',
        kind: 'timeout',
      });
      await hasty.close();
    });
  });

  describe('paging', () => {
    it('shows every file once, in order, whatever the order and however many tie', async () => {
      const files = manyFiles(47).map((file, index) => ({
        ...file,
        sizeBytes: index % 5,
        storedAt: `2026-11-20T08:00:0${index % 3}.000Z`,
      }));
      await scene.catalog.upsertMany(scene.experiment, files);
      for (const text of [
        '-storedAt',
        'storedAt',
        'path',
        '-path',
        'name',
        'sizeBytes',
        '-sizeBytes',
        'version',
        'modifiedAt',
      ]) {
        const sort = parseSort(text);
        const seen: CatalogFile[] = [];
        let cursor: string | undefined;
        do {
          const page = await scene.catalog.query(scene.experiment, { sort, limit: 7, cursor });
          seen.push(...page.items);
          cursor = page.nextCursor ?? undefined;
        } while (cursor !== undefined);
        const expected = (await scene.everything()).sort((left, right) => {
          const [a, b] = [left[sort.field], right[sort.field]];
          const ascending = a < b ? -1 : a > b ? 1 : left.id < right.id ? -1 : 1;
          return sort.descending ? -ascending : ascending;
        });
        expect({ text, ids: seen.map((file) => file.id) }).toEqual({ text, ids: expected.map((file) => file.id) });
      }
    });

    it('lists the newest first when nothing else is asked for', async () => {
      await scene.catalog.upsertMany(scene.experiment, [
        aFile({ path: 'old', storedAt: '2026-11-19T00:00:00Z' }),
        aFile({ path: 'new', storedAt: '2026-11-21T00:00:00Z' }),
        aFile({ path: 'middle', storedAt: '2026-11-20T00:00:00Z' }),
      ]);
      expect((await scene.everything()).map((file) => file.path)).toEqual(['new', 'middle', 'old']);
    });

    it('goes on where it was when files come and go', async () => {
      await scene.catalog.upsertMany(scene.experiment, manyFiles(20));
      const sort = parseSort('path');
      const first = await scene.catalog.query(scene.experiment, { sort, limit: 10 });
      await scene.catalog.upsertMany(scene.experiment, [aFile({ path: 'data/000000-before.h5' })]);
      await scene.catalog.delete(scene.experiment, first.items[9]?.id ?? '');
      const second = await scene.catalog.query(scene.experiment, { sort, limit: 100, cursor: first.nextCursor ?? '' });
      expect(second.items.map((file) => file.sizeBytes)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    });

    it('refuses a cursor of another order', async () => {
      await scene.catalog.upsertMany(scene.experiment, manyFiles(3));
      const { nextCursor } = await scene.catalog.query(scene.experiment, { limit: 1 });
      const query = { limit: 1, cursor: nextCursor ?? '', sort: parseSort('path') };
      await expect((async () => scene.catalog.query(scene.experiment, query))()).rejects.toMatchObject({
        code: 'CURSOR_INVALID',
      });
    });
  });
}
