import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../src/cli/api-client.js';
import type { ApiError } from '../../src/cli/api-error.js';
import type { AuditAnswer, FindingAnswer } from '../../src/cli/api-types.js';
import { Database } from '../../src/platform/database/index.js';
import { waitFor } from '../support/wait-for.js';
import { DaqApp } from './daq.app.js';

describe('audits', () => {
  let app: DaqApp;

  beforeAll(async () => {
    app = await DaqApp.start({ DM_DAQ_AUDIT_PERIOD_DAYS: '1' });
  });
  afterAll(() => app.close());

  const ended = (client: ApiClient, id: string) =>
    waitFor(
      async () => {
        const audit = await client.get<AuditAnswer>(`/audits/${id}`);
        return ['done', 'stopped', 'failed'].includes(audit.status) ? audit : undefined;
      },
      { timeoutMs: 30_000, what: `audit ${id} to end` },
    );
  const errorOf = (promise: Promise<unknown>) =>
    promise.then(
      () => Promise.reject(new Error('It was allowed.')),
      (error: ApiError) => error,
    );

  it('are for those who may see the experiment, and repairs for those who may change it', async () => {
    const { source } = await app.experiment('hers', 'alice');
    await app.experiment('his', 'bob');
    writeFileSync(join(source, 'a'), 'content');
    await app.ended((await app.start('hers')).id);
    const [alice, bob, carol] = [await app.as('alice'), await app.as('bob'), await app.as('carol', 'operator')];

    const body = { experiment: 'hers' };
    expect(await errorOf(bob.post('/audits', body))).toMatchObject({ status: 404, code: 'EXPERIMENT_NOT_FOUND' });
    expect(await errorOf(alice.post('/audits', body))).toMatchObject({ status: 403 });
    expect(await errorOf(carol.post('/audits', { ...body, repair: ['missing'] }))).toMatchObject({ status: 403 });
    const { id } = await carol.post<AuditAnswer>('/audits', body);
    expect(await ended(alice, id)).toMatchObject({ status: 'done' });

    for (const path of [`/audits/${id}`, `/audits/${id}/findings`]) {
      expect(await errorOf(bob.get(path))).toMatchObject({ status: 404, code: 'AUDIT_NOT_FOUND' });
    }
    expect(await errorOf(bob.post(`/audits/${id}/stop`))).toMatchObject({ status: 404 });
    expect(await errorOf(bob.post(`/audits/${id}/repairs`))).toMatchObject({ status: 404 });
    expect(await errorOf(alice.post(`/audits/${id}/repairs`))).toMatchObject({ status: 403 });
    expect(await errorOf(carol.post(`/audits/${id}/repairs`))).toMatchObject({ status: 403 });
    expect((await bob.allItems<AuditAnswer>('/audits')).map((audit) => audit.id)).toEqual([]);
    expect((await alice.allItems<AuditAnswer>('/audits')).map((audit) => audit.id)).toEqual([id]);
    expect(await errorOf(bob.get('/audits', { experiment: 'hers' }))).toMatchObject({ status: 404 });
  });

  it.each([
    [{ experiment: 'hers', byteBudget: 0 }],
    [{ experiment: 'hers', repair: ['dark'] }],
    [{ experiment: 'hers', repair: ['source-gone'] }],
    [{ experiment: 'hers', dark: 'delete' }],
    [{ experiment: 'hers', fast: true }],
    [{}],
  ])('refuse %o', async (body) => {
    expect(await errorOf((await app.as('admin')).post('/audits', body))).toMatchObject({ status: 422 });
  });

  it('take nothing for wrong that was asked for: files only recorded, unchecked, uncataloged, deleted by a person', async () => {
    const admin = await app.as('admin');
    const { source, storage } = await app.experiment('asked-for');
    const bring = async (name: string, options: Record<string, unknown>) => {
      writeFileSync(join(source, name), name);
      expect(await app.ended((await app.start('asked-for', { ...options, includePatterns: [name] })).id)).toMatchObject(
        {
          status: 'done',
        },
      );
    };
    await bring('recorded', { skipTransfer: true });
    await bring('unchecked', { skipChecksum: true });
    await bring('uncataloged', { skipCatalog: true });
    await bring('deleted', {});
    rmSync(join(storage, 'data/deleted'));
    await app.app.get(Database).query(`UPDATE ledger SET deleted_at = now() WHERE destination_path = 'data/deleted'`);

    const { id } = await admin.post<AuditAnswer>('/audits', { experiment: 'asked-for', deep: true });
    const audit = await ended(admin, id);
    expect(audit).toMatchObject({ status: 'done', findings: {}, counts: { verified: 1, withoutDigest: 1 } });
    const list = await new Response(await admin.open('/experiments/asked-for/manifest')).text();
    const entries = list.split('\n').slice(2, -2);
    expect(entries.filter((line) => !line.startsWith('# version')).sort()).toEqual([
      '# not verified, proof size: version 1 of data/unchecked',
      '# only recorded where it lies: version 1 of data/recorded',
      expect.stringMatching(/^[0-9a-f]{32} {2}data\/uncataloged$/),
    ]);
  });

  it('keep of information only some, and count all', async () => {
    const { source } = await app.experiment('many');
    writeFileSync(join(source, 'seed'), '');
    await app.ended((await app.start('many')).id);
    await app.app.get(Database).query(
      `INSERT INTO ledger (experiment_id, acquisition_id, source_host, destination_path, destination_key, source_path,
         device, inode, size_bytes, mtime_ns, version, state, catalog_id, md5_sum, transferred_at)
       SELECT seed.experiment_id, seed.acquisition_id, seed.source_host, path, sha256(path), '/nowhere/' || path, 0, 0, 0, 0,
         1, 'quarantined', '', 'm', now() - interval '1 day'
       FROM ledger seed, generate_series(1, 1500) AS n, LATERAL (SELECT convert_to('data/' || n, 'UTF8') AS path) named
       WHERE seed.destination_path = 'data/seed'`,
    );
    const admin = await app.as('admin');
    const { id } = await admin.post<AuditAnswer>('/audits', { experiment: 'many' });
    const audit = await ended(admin, id);
    expect(audit.counts.copies).toBe(1501);
    expect(audit.findings).toMatchObject({ 'source-gone': 1500, missing: 1500 });
    expect(audit.breaker).toBe('open');
    const kept = await admin.allItems<FindingAnswer>(`/audits/${id}/findings`, { kind: 'source-gone' });
    expect(kept).toHaveLength(1000);
  });

  it('give way to those of a person when they are only scheduled', async () => {
    const { source, storage } = await app.experiment('scheduled');
    writeFileSync(join(source, 'a'), 'content');
    await app.ended((await app.start('scheduled')).id);
    const admin = await app.as('admin');
    const database = app.app.get(Database);
    await database.query(
      `INSERT INTO audit (id, experiment_id, is_deep, status, phase, counts, started_by, is_scheduled)
       SELECT gen_random_uuid(), id, false, 'pending', 'content', $1, 'station', true FROM experiment WHERE name = 'scheduled'`,
      [
        JSON.stringify({
          copies: 0,
          files: 0,
          documents: 0,
          verified: 0,
          bytesRead: 0,
          touched: 0,
          withoutDigest: 0,
          findings: {},
        }),
      ],
    );
    truncateSync(join(storage, 'data/a'), 1);
    const { id } = await admin.post<AuditAnswer>('/audits', { experiment: 'scheduled' });
    expect(await ended(admin, id)).toMatchObject({ status: 'done', findings: { changed: 1 } });
  });
});
