import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../src/cli/api-client.js';
import type { ApiError } from '../../src/cli/api-error.js';
import type { AuditAnswer, FileAnswer, FindingAnswer } from '../../src/cli/api-types.js';
import { SYSTEM_PRINCIPAL } from '../../src/auth/index.js';
import { CatalogService, type NewCatalogFile } from '../../src/catalog/index.js';
import { Database } from '../../src/platform/database/index.js';
import { waitFor } from '../support/wait-for.js';
import { DaqApp } from './daq.app.js';

const MD5 = '9e107d9d372bb6826bd81d3542a419d6';

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
  const findingsOf = (client: ApiClient, id: string) => client.allItems<FindingAnswer>(`/audits/${id}/findings`);
  /** The findings after the repairs that were asked for. */
  const repaired = async (client: ApiClient, id: string, body: Record<string, unknown> = {}) => {
    await client.post(`/audits/${id}/repairs`, body);
    await waitFor(async () => (await client.get<AuditAnswer>(`/audits/${id}`)).repairs.requested === 0, {
      timeoutMs: 30_000,
      what: `repairs of ${id}`,
    });
    return findingsOf(client, id);
  };
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

  it('count what they do not look at: copies at further destinations, sources on other machines', async () => {
    const { source } = await app.experiment('elsewhere');
    ['a', 'b', 'c'].forEach((name) => writeFileSync(join(source, name), name));
    await app.ended((await app.start('elsewhere')).id);
    const database = app.app.get(Database);
    await database.query(
      `INSERT INTO replica (ledger_id, destination, size_bytes, proof)
       SELECT l.id, destination, l.size_bytes, 'read-back' FROM ledger l, unnest(ARRAY['mirror', 'tape']) AS destination
       WHERE l.source_path = convert_to($1, 'UTF8')`,
      [join(source, 'a')],
    );
    await database.query(`UPDATE ledger SET source_host = 'far' WHERE source_path = convert_to($1, 'UTF8')`, [
      join(source, 'b'),
    ]);
    const admin = await app.as('admin');
    const { id } = await admin.post<AuditAnswer>('/audits', { experiment: 'elsewhere' });
    expect(await ended(admin, id)).toMatchObject({
      findings: {},
      counts: { copies: 3, copiesElsewhere: 2, sourcesElsewhere: 1 },
    });
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

  describe('of a catalog that says something else', () => {
    const experimentId = async (name: string) =>
      (await (await app.as('admin')).get<{ id: number }>(`/experiments/${name}`)).id;
    const document = async (name: string, path: string) => {
      const admin = await app.as('admin');
      return (await admin.allItems<FileAnswer>(`/experiments/${name}/files`)).find((file) => file.path === path);
    };
    /** As a station does whose ledger was restored from an older backup than its catalog. */
    const record = async (name: string, path: string, ledgerId: string) => {
      const file: NewCatalogFile = { path, sizeBytes: 3, md5Sum: MD5, modifiedAt: new Date(), ledgerId };
      await app.app.get(CatalogService).recordFiles(await experimentId(name), [file]);
    };

    it('rewrite a document that differs from the ledger, and keep what somebody has added to it', async () => {
      const { source } = await app.experiment('differs');
      ['same', 'digest', 'size'].forEach((name) => writeFileSync(join(source, name), name));
      await app.ended((await app.start('differs')).id);
      const admin = await app.as('admin');
      const before = await document('differs', 'data/digest');
      await admin.patch(`/experiments/differs/files/${before?.id ?? ''}`, { metadata: { sample: 'kept' } });
      const change = (name: string, sql: string) =>
        app.app
          .get(Database)
          .query(`UPDATE catalog_file SET ${sql} WHERE experiment_id = $1 AND path = $2`, [id, `data/${name}`]);
      const id = await experimentId('differs');
      await change('digest', `md5_sum = repeat('0', 32)`);
      await change('size', `size_bytes = 1`);
      const audit = await ended(admin, (await admin.post<AuditAnswer>('/audits', { experiment: 'differs' })).id);
      expect(audit.findings).toEqual({ 'document-differs': 2 });

      const findings = await repaired(admin, audit.id);

      expect(Object.fromEntries(findings.map(({ path, repair }) => [path, repair?.state]))).toEqual({
        'data/digest': 'repaired',
        'data/size': 'repaired',
      });
      expect(await document('differs', 'data/digest')).toMatchObject({
        id: before?.id,
        md5Sum: before?.md5Sum,
        metadata: { sample: 'kept' },
      });
      expect(await document('differs', 'data/size')).toMatchObject({ sizeBytes: 4 });
      const again = await ended(admin, (await admin.post<AuditAnswer>('/audits', { experiment: 'differs' })).id);
      expect(again.findings).toEqual({});
    });

    it('remove a document of a file that the ledger does not have, keep it as evidence, and no other', async () => {
      const { source } = await app.experiment('surplus');
      writeFileSync(join(source, 'a'), 'content');
      await app.ended((await app.start('surplus')).id);
      const admin = await app.as('admin');
      for (const path of ['data/never', 'data/gone', 'data/back']) {
        await record('surplus', path, '900000000000');
      }
      await record('surplus', 'data/no-number', 'row one');
      await admin.post('/experiments/surplus/files', {
        path: 'data/by-hand',
        sizeBytes: 1,
        modifiedAt: '2026-11-21T08:15:00Z',
      });
      const audit = await ended(admin, (await admin.post<AuditAnswer>('/audits', { experiment: 'surplus' })).id);
      expect(audit.findings).toEqual({ 'document-surplus': 4 });
      const gone = await document('surplus', 'data/gone');
      await app.app.get(CatalogService).delete(SYSTEM_PRINCIPAL, await experimentId('surplus'), gone?.id ?? '');
      await app.app.get(Database).query(
        `UPDATE audit_finding SET evidence = jsonb_set(evidence::jsonb, '{document,ledgerId}',
           (SELECT to_jsonb(id::text) FROM ledger WHERE destination_path = 'data/a' AND experiment_id = $1))
         WHERE audit_id = $2 AND path = 'data/back'`,
        [await experimentId('surplus'), audit.id],
      );

      const findings = await repaired(admin, audit.id);

      expect(Object.fromEntries(findings.map(({ path, repair }) => [path, repair?.state]))).toEqual({
        'data/never': 'repaired',
        'data/no-number': 'repaired',
        'data/gone': 'obsolete',
        'data/back': 'obsolete',
      });
      expect(findings.find(({ path }) => path === 'data/never')?.evidence).toMatchObject({
        document: { path: 'data/never', sizeBytes: 3, md5Sum: MD5, ledgerId: '900000000000' },
      });
      const left = await admin.allItems<FileAnswer>('/experiments/surplus/files');
      expect(left.map((file) => file.path).sort()).toEqual(['data/a', 'data/back', 'data/by-hand']);
    });
  });

  it('put a damaged copy back when copying the good content fails after all', async () => {
    const { source, storage } = await app.experiment('put-back');
    mkdirSync(join(source, 'run'));
    writeFileSync(join(source, 'run/a'), 'content');
    await app.ended((await app.start('put-back')).id);
    const copy = join(storage, 'data/run/a');
    writeFileSync(copy, 'c0ntent');
    // The content is still to be read by that path; the engine refuses what a link leads out of the source roots.
    const outside = mkdtempSync(join(tmpdir(), 'dm-outside-'));
    renameSync(join(source, 'run'), join(outside, 'run'));
    symlinkSync(join(outside, 'run'), join(source, 'run'));
    const admin = await app.as('admin');
    const { id } = await admin.post<AuditAnswer>('/audits', { experiment: 'put-back', deep: true });
    expect(await ended(admin, id)).toMatchObject({ status: 'done', findings: { changed: 1 } });

    const [failed] = await repaired(admin, id);

    expect(failed?.repair).toMatchObject({ state: 'failed', note: expect.stringContaining('Copying from') as string });
    expect(readFileSync(copy, 'utf8')).toBe('c0ntent');
    const aside = readdirSync(join(storage, 'system/audit'), { recursive: true, withFileTypes: true });
    expect(aside.filter((entry) => entry.isFile())).toEqual([]);

    rmSync(join(source, 'run'));
    renameSync(join(outside, 'run'), join(source, 'run'));
    const [restored] = await repaired(admin, id);
    expect(restored?.repair).toMatchObject({ state: 'repaired' });
    expect(readFileSync(copy, 'utf8')).toBe('content');
    rmSync(outside, { recursive: true });
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
