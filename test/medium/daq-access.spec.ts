import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../src/cli/api-client.js';
import type { ApiError } from '../../src/cli/api-error.js';
import type { AcquisitionAnswer } from '../../src/cli/api-types.js';
import { DaqApp } from './daq.app.js';

describe('who sees and does what with acquisitions and their files', () => {
  let app: DaqApp;
  const acquisitions = new Map<string, string>();

  beforeAll(async () => {
    app = await DaqApp.start();
    for (const [experiment, member] of [
      ['hers', 'alice'],
      ['his', 'bob'],
    ] as const) {
      const { source } = await app.experiment(experiment, member);
      writeFileSync(join(source, 'a.h5'), experiment);
      const { id } = await app.start(experiment);
      await app.ended(id);
      acquisitions.set(experiment, id);
    }
    await app.as('carol', 'operator');
  });
  afterAll(() => app.close());

  const idOf = (experiment: string) => acquisitions.get(experiment) ?? '';
  const experimentsOf = async (client: ApiClient, query = {}) =>
    (await client.allItems<AcquisitionAnswer>('/acquisitions', query)).map((one) => one.experiment).sort();
  const errorOf = (promise: Promise<unknown>) =>
    promise.then(
      () => Promise.reject(new Error('It was allowed.')),
      (error: ApiError) => error,
    );

  it('lists to a member those of their experiments only', async () => {
    expect(await experimentsOf(await app.as('alice'))).toEqual(['hers']);
    expect(await experimentsOf(await app.as('bob'))).toEqual(['his']);
    expect(await experimentsOf(await app.as('carol'))).toEqual(['hers', 'his']);
    expect(await experimentsOf(await app.as('admin'))).toEqual(['hers', 'his']);
    expect(await experimentsOf(await app.as('nobody'))).toEqual([]);
  });

  it('cannot be talked round by a filter', async () => {
    const alice = await app.as('alice');
    expect(await experimentsOf(alice, { status: 'done' })).toEqual(['hers']);
    expect(await experimentsOf(alice, { experiment: 'hers' })).toEqual(['hers']);
    const his = await errorOf(experimentsOf(alice, { experiment: 'his' }));
    const unknown = await errorOf(experimentsOf(alice, { experiment: 'unknown' }));
    expect([his.status, his.code]).toEqual([404, 'EXPERIMENT_NOT_FOUND']);
    // Whether it exists is not told either.
    expect(his.message.replace('his', '…')).toBe(unknown.message.replace('unknown', '…'));
  });

  it.each([
    ['an acquisition', (id: string) => `/acquisitions/${id}`, 'ACQUISITION_NOT_FOUND'],
    ['its files', (id: string) => `/acquisitions/${id}/files`, 'ACQUISITION_NOT_FOUND'],
    ['the ledger', () => '/experiments/his/ledger', 'EXPERIMENT_NOT_FOUND'],
    ['the manifest', () => '/experiments/his/manifest?format=ndjson', 'EXPERIMENT_NOT_FOUND'],
    ['why a file is where it is', () => '/experiments/his/why?path=data/a.h5', 'EXPERIMENT_NOT_FOUND'],
  ])('shows %s to its members and to nobody else', async (_what, path, code) => {
    const target = path(idOf('his'));
    expect(await errorOf((await app.as('alice')).get(target))).toMatchObject({ status: 404, code });
    expect(await errorOf((await app.as('nobody')).get(target))).toMatchObject({ status: 404, code });
    for (const reader of ['bob', 'carol', 'admin']) {
      await expect((await app.as(reader)).get(target), reader).resolves.toBeTruthy();
    }
  });

  it('lets operators start and stop, and members not', async () => {
    const { source } = await app.experiment('theirs', 'alice');
    const body = { kind: 'monitor', experiment: 'theirs', dataDirectory: source };
    const alice = await app.as('alice');
    expect(await errorOf(alice.post('/acquisitions', body))).toMatchObject({ status: 403 });
    expect(await errorOf((await app.as('bob')).post('/acquisitions', body))).toMatchObject({ status: 404 });

    const { id } = await (await app.as('carol')).post<AcquisitionAnswer>('/acquisitions', body);
    expect(await errorOf(alice.post(`/acquisitions/${id}/stop`))).toMatchObject({ status: 403 });
    expect(await errorOf((await app.as('bob')).post(`/acquisitions/${id}/stop`))).toMatchObject({ status: 404 });
    await (await app.as('carol')).post(`/acquisitions/${id}/stop`);
    expect(await app.ended(id)).toMatchObject({ status: 'done' });
  });

  it('keeps the record of where files came from, and removes one that brought none', async () => {
    const { source } = await app.experiment('removal', 'alice');
    const empty = await app.ended((await app.start('removal')).id);
    const alice = await app.as('alice');
    expect(await errorOf(alice.delete(`/acquisitions/${empty.id}`))).toMatchObject({ status: 403 });
    const admin = await app.as('admin');
    await admin.delete(`/acquisitions/${empty.id}`);
    expect(await errorOf(admin.get(`/acquisitions/${empty.id}`))).toMatchObject({ code: 'ACQUISITION_NOT_FOUND' });
    writeFileSync(join(source, 'a.h5'), 'x');
    const full = await app.ended((await app.start('removal')).id);
    expect(await errorOf(admin.delete(`/acquisitions/${full.id}`))).toMatchObject({
      status: 409,
      code: 'ACQUISITION_HAS_RECORDS',
    });
  });
});
