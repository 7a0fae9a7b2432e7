import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CatalogService } from '../../src/catalog/index.js';
import { METRICS } from '../../src/platform/metrics/index.js';
import type { Registry } from 'prom-client';
import { waitFor } from '../support/wait-for.js';
import { CatalogApp } from './catalog.app.js';

let app: CatalogApp;
let name: string;
let number = 0;
const files = (rest = '') => `/experiments/${name}/files${rest}`;

beforeAll(async () => {
  app = await CatalogApp.start();
  await app.user('member');
  await app.user('stranger');
}, 120_000);
afterAll(() => app.close());

beforeEach(async () => {
  name = `run-${(number += 1)}`;
  await app.ok('admin', 'POST', '/experiments', { name });
  await app.ok('admin', 'PUT', `/experiments/${name}/members/member`, { role: 'User' });
});

async function add(facts: Record<string, unknown> = {}): Promise<Record<string, unknown> & { id: string }> {
  const { body } = await app.ok('member', 'POST', files(), { path: 'data/a.h5', sizeBytes: 5, ...facts });
  return body;
}

describe('the files of an experiment, over HTTP', () => {
  it('are added by hand, shown, found by path, changed and removed', async () => {
    const added = await add({ md5Sum: 'A'.repeat(32), metadata: { sample: 'Si', 'x.y': 1 } });
    expect(added).toMatchObject({ name: 'a.h5', version: 1, revision: 1, md5Sum: 'a'.repeat(32), replicas: [] });
    expect((await app.ok('member', 'GET', files(`/${added.id}`))).body).toEqual(added);
    expect((await app.ok('member', 'GET', files('/by-path?path=data%2Fa.h5&version=1'))).body).toEqual(added);

    const patch = { metadata: { 'x.y': null, operator: 'me' }, revision: 1 };
    const changed = await app.ok('member', 'PATCH', files(`/${added.id}`), patch);
    expect(changed.body).toMatchObject({ metadata: { sample: 'Si', operator: 'me' }, revision: 2 });
    const late = await app.request('member', 'PATCH', files(`/${added.id}`), patch);
    expect([late.status, late.body.code]).toEqual([409, 'CATALOG_FILE_CHANGED']);

    expect((await app.request('member', 'DELETE', files(`/${added.id}`))).status).toBe(204);
    const gone = await app.request('member', 'GET', files(`/${added.id}`));
    expect([gone.status, gone.body.code]).toEqual([404, 'CATALOG_FILE_NOT_FOUND']);
  });

  it('are not added twice', async () => {
    await add();
    const again = await app.request('member', 'POST', files(), { path: 'data/\\x61.h5', sizeBytes: 6 });
    expect([again.status, again.body.code]).toEqual([409, 'CATALOG_FILE_EXISTS']);
    expect(await add({ version: 2 })).toMatchObject({ version: 2 });
  });

  it('come in pages and as a stream, filtered and sorted', async () => {
    for (let index = 0; index < 5; index += 1) {
      await add({ path: `data/${index}.h5`, sizeBytes: index, metadata: { isEven: index % 2 === 0 } });
    }
    const query = `filter=${encodeURIComponent('{"metadata.isEven":true}')}&sort=-sizeBytes`;
    const first = (await app.ok('member', 'GET', files(`?${query}&limit=2`))).body;
    expect(first.items.map((file: { sizeBytes: number }) => file.sizeBytes)).toEqual([4, 2]);
    const second = (await app.ok('member', 'GET', files(`?${query}&limit=2&cursor=${first.nextCursor}`))).body;
    expect(second).toMatchObject({ items: [{ sizeBytes: 0 }], nextCursor: null });

    const streamed = await app.request('member', 'GET', files(`?${query}`), undefined, {
      Accept: 'application/x-ndjson',
    });
    expect(streamed.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = streamed.text.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([...first.items, ...second.items]);
  });

  it('answer a bad filter with the place and the rule, in both forms', async () => {
    const query = `?filter=${encodeURIComponent('{"$or":[{"$where":"1"}]}')}`;
    for (const Accept of ['application/json', 'application/x-ndjson']) {
      const answer = await app.request('member', 'GET', files(query), undefined, { Accept });
      expect(answer).toMatchObject({
        status: 422,
        body: { code: 'FILTER_OPERATOR_REFUSED', details: { at: '$or[0].$where' } },
      });
    }
  });

  it('show the latest version only when asked to', async () => {
    await add();
    await add({ version: 2, sizeBytes: 7 });
    expect((await app.ok('member', 'GET', files())).body.items).toHaveLength(2);
    expect((await app.ok('member', 'GET', files('?versions=latest'))).body.items).toMatchObject([{ version: 2 }]);
    expect((await app.ok('member', 'GET', files('/by-path?path=data/a.h5'))).body.version).toBe(2);
  });

  it('keep metadata whatever its keys are', async () => {
    const metadata = JSON.parse('{"a.b":{"$c":1},"0":{"_id":"x"},"":"\\u0000\\ud800"}') as Record<string, unknown>;
    const { id } = await add({ metadata });
    const { text } = await app.ok('member', 'GET', files(`/${id}`));
    expect((JSON.parse(text) as { metadata: unknown }).metadata).toStrictEqual(metadata);
  });

  it('have statistics, filtered or not', async () => {
    await add({ path: 'a', sizeBytes: 2 });
    await add({ path: 'b', sizeBytes: 4 });
    const statistics = (await app.ok('member', 'GET', `/experiments/${name}/stats`)).body;
    expect(statistics).toEqual({
      countFiles: 2,
      totalBytes: 6,
      meanBytes: 3,
      minBytes: 2,
      maxBytes: 4,
      standardDeviationBytes: 1,
    });
    const filter = encodeURIComponent('{"name":"b"}');
    expect((await app.ok('member', 'GET', `/experiments/${name}/stats?filter=${filter}`)).body.totalBytes).toBe(4);
  });
});

describe('access to files', () => {
  it('is refused on every route to those who do not belong to the experiment, as if it were not there', async () => {
    const { id } = await add();
    const routes: [string, string, unknown?][] = [
      ['GET', files()],
      ['POST', files(), { path: 'data/b.h5', sizeBytes: 1 }],
      ['GET', files('/by-path?path=data/a.h5')],
      ['GET', files(`/${id}`)],
      ['PATCH', files(`/${id}`), { metadata: {} }],
      ['DELETE', files(`/${id}`)],
      ['GET', `/experiments/${name}/stats`],
    ];
    for (const [method, path, body] of routes) {
      const answer = await app.request('stranger', method, path, body);
      expect({ method, path, status: answer.status, code: answer.body.code }).toEqual({
        ...{ method, path, status: 404 },
        code: 'EXPERIMENT_NOT_FOUND',
      });
      expect((await app.request('nobody', method, path, body)).status).toBe(401);
    }
    expect((await app.ok('admin', 'GET', files())).body.items).toHaveLength(1);
  });

  it('does not reach the files of another experiment by their id', async () => {
    const { id } = await add();
    await app.ok('admin', 'POST', '/experiments', { name: `${name}-other` });
    await app.ok('admin', 'PUT', `/experiments/${name}-other/members/stranger`, { role: 'PI' });
    for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', { metadata: { a: 1 } }]] as const) {
      const answer = await app.request('stranger', method, `/experiments/${name}-other/files/${id}`, body);
      expect([answer.status, answer.body.code]).toEqual([404, 'CATALOG_FILE_NOT_FOUND']);
    }
  });
});

describe('an experiment with cataloged files', () => {
  it('is deleted only by force, and takes its documents along', async () => {
    await add();
    const { id: experimentId } = (await app.ok('admin', 'GET', `/experiments/${name}`)).body;
    const refused = await app.request('admin', 'DELETE', `/experiments/${name}`);
    expect(refused.body).toMatchObject({ code: 'EXPERIMENT_NOT_EMPTY', details: { contents: ['1 cataloged files'] } });
    await app.ok('admin', 'DELETE', `/experiments/${name}?force=true`);
    const recording = app.app
      .get(CatalogService)
      .recordFiles(experimentId, [{ path: 'data/late.h5', sizeBytes: 1, modifiedAt: new Date() }]);
    await expect(recording).rejects.toMatchObject({ code: 'EXPERIMENT_NOT_FOUND' });
  });
});

describe('what can be seen of the catalog', () => {
  it('are metrics without names of experiments or files', async () => {
    await add();
    await app.ok('member', 'GET', files());
    const registry = app.app.get<Registry>(METRICS, { strict: false });
    const text = await waitFor(async () => {
      const metrics = await registry.metrics();
      return metrics.includes('dm_catalog_operation_seconds_count{operation="query",outcome="ok"}')
        ? metrics
        : undefined;
    });
    expect(text).toMatch(/dm_catalog_written_files_total\{result="inserted"\} [1-9]/);
    const catalogLines = text.split('\n').filter((line) => line.startsWith('dm_catalog'));
    expect(catalogLines.join('\n')).not.toMatch(/run-|a\.h5/);
  });

  it('is a description with an example for every body', () => {
    const { paths } = app.openApi();
    const operations = Object.entries(paths).filter(([path]) => /\/files|\/stats/.test(path));
    const described = operations.flatMap(([path, item]) =>
      Object.entries(item as Record<string, { summary?: string; requestBody?: unknown }>).map(
        ([method, operation]) => ({
          route: `${method} ${path.replace('/api/v1/experiments/{name}', '')}`,
          hasSummary: (operation.summary ?? '') !== '',
          hasExample:
            operation.requestBody === undefined || JSON.stringify(operation.requestBody).includes('"example"'),
        }),
      ),
    );
    expect(described.map(({ route }) => route).sort()).toEqual([
      'delete /files/{id}',
      'get /files',
      'get /files/by-path',
      'get /files/{id}',
      'get /stats',
      'patch /files/{id}',
      'post /files',
    ]);
    expect(described.filter(({ hasSummary, hasExample }) => !hasSummary || !hasExample)).toEqual([]);
  });
});
