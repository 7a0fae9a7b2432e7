import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiPath } from '../../src/cli/api-client.js';
import { Database } from '../../src/platform/database/index.js';
import { DaqApp } from './daq.app.js';

describe('the manifest', () => {
  let app: DaqApp;
  const database = () => app.app.get(Database);

  beforeAll(async () => {
    app = await DaqApp.start();
  });
  afterAll(() => app.close());

  const manifest = async (experiment: string, query: Record<string, string> = {}) => {
    const client = await app.as('admin');
    return new Response(await client.open(apiPath`/experiments/${experiment}/manifest`, { query })).text();
  };

  it('never passes off as verified what is not', async () => {
    const { source } = await app.experiment('unproven');
    const names = ['verified', 'unsynced', 'size', 'none', 'missing', 'damaged', 'forgotten'];
    for (const name of names) {
      writeFileSync(join(source, name), name);
    }
    await app.ended((await app.start('unproven')).id);
    const change = (name: string, sql: string) =>
      database().query(
        `${sql} WHERE ledger_id = (SELECT id FROM ledger WHERE destination_path = convert_to($1, 'UTF8'))`,
        [`data/${name}`],
      );
    await database().query(
      `INSERT INTO replica (ledger_id, destination, size_bytes, proof, verified_at, trouble)
       SELECT l.id, copy.name, l.size_bytes, copy.proof, '2026-01-02T03:04:05Z', copy.trouble
       FROM ledger l, (VALUES ('mirror', 'read-back', NULL), ('tape', 'size', NULL), ('usb', 'read-back', 'damaged'))
         AS copy (name, proof, trouble) WHERE l.destination_path = 'data/verified'`,
    );
    await database().query(`UPDATE replica SET verified_at = '2026-11-21T08:15:00Z' WHERE destination = 'primary'`);
    await change('unsynced', `UPDATE replica SET proof = 'read-back-unsynced'`);
    await change('size', `UPDATE replica SET proof = 'size', md5_sum = NULL`);
    await change('none', `UPDATE replica SET proof = 'none'`);
    await change('missing', `UPDATE replica SET trouble = 'missing'`);
    await change('damaged', `UPDATE replica SET trouble = 'damaged'`);
    await change('forgotten', `DELETE FROM replica`);

    const list = (await manifest('unproven')).split('\n');

    const listed = list.filter((line) => /^[0-9a-f]{32} {2}/.test(line)).map((line) => line.slice(34));
    expect(listed.sort()).toEqual(['data/unsynced', 'data/verified']);
    const verifiedAt = 'verified 2026-11-21T08:15:00.000Z';
    expect(list.filter((line) => line.startsWith('# version')).sort()).toEqual([
      `# version 1, proof read-back, ${verifiedAt}, copies: primary, mirror, tape (proof size), usb (damaged)`,
      `# version 1, proof read-back-unsynced, ${verifiedAt}, copies: primary`,
    ]);
    expect(list[list.findIndex((line) => line.endsWith('  data/unsynced')) - 1]).toContain('read-back-unsynced');
    expect(list.filter((line) => line.includes(': version 1 of ')).sort()).toEqual([
      '# no copy in the storage area: version 1 of data/forgotten',
      '# not verified, proof none: version 1 of data/none',
      '# not verified, proof size: version 1 of data/size',
      '# the copy is damaged: version 1 of data/damaged',
      '# the copy is missing: version 1 of data/missing',
    ]);
    expect(list.at(-2)).toMatch(/^# End: 2 verified files with \d+ bytes, 5 others$/);
    const evidence = (await manifest('unproven', { format: 'ndjson' })).trimEnd().split('\n');
    const verified = evidence
      .map((line) => JSON.parse(line) as { path: string; isVerified: boolean })
      .filter((line) => line.isVerified)
      .map((line) => line.path);
    expect(verified.sort()).toEqual(['data/unsynced', 'data/verified']);
  });

  it('lists under sha256sum what has such a digest, and says of the others that they have none', async () => {
    const { source } = await app.experiment('sha256');
    writeFileSync(join(source, 'with'), '1');
    writeFileSync(join(source, 'without'), '2');
    await app.ended((await app.start('sha256')).id);
    await database().query(
      `INSERT INTO content_digest (ledger_id, sha256_sum)
       SELECT id, encode(sha256('1'), 'hex') FROM ledger WHERE destination_path = 'data/with'`,
    );
    await expect(manifest('sha256', { format: 'sha256sum' })).rejects.toMatchObject({
      status: 409,
      code: 'MANIFEST_DIGESTS_MISSING',
      message: expect.stringContaining('dm experiment manifest sha256 --format sha256sum --compute') as string,
      details: { missing: 1 },
    });
    const list = await manifest('sha256', { format: 'sha256sum', partial: 'true' });
    expect(list).toContain('6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b  data/with\n');
    expect(list).toContain('# no digest for sha256sum yet: version 1 of data/without\n');
  });

  it('misses no SHA-256 of what a list does not hold', async () => {
    const { source } = await app.experiment('sha256-whole');
    ['one', 'two', 'unverified'].forEach((name) => writeFileSync(join(source, name), name));
    await app.ended((await app.start('sha256-whole')).id);
    writeFileSync(join(source, 'one'), 'newer content');
    await app.ended((await app.start('sha256-whole')).id);
    const admin = await app.as('admin');
    const { id: experimentId } = await admin.get<{ id: number }>('/experiments/sha256-whole');
    await database().query(
      `UPDATE replica SET proof = 'size' FROM ledger l
       WHERE l.id = ledger_id AND l.experiment_id = $1 AND l.destination_path = 'data/unverified'`,
      [experimentId],
    );
    await database().query(
      `INSERT INTO content_digest (ledger_id, sha256_sum)
       SELECT id, repeat('0', 64) FROM ledger WHERE experiment_id = $1 AND destination_path = 'data/one' AND version = 2`,
      [experimentId],
    );
    const list = (query: Record<string, string>) =>
      manifest('sha256-whole', { format: 'sha256sum', ...query }).then(
        (text) => text.split('\n').filter((line) => /^[0-9a-f]{64} /.test(line)).length,
        (error: { details?: unknown }) => error.details,
      );

    expect(await list({})).toEqual({ missing: 1 });
    expect(await list({ pathPrefix: 'data/one' })).toBe(1);
    expect(await list({ pathPrefix: 'data/unverified' })).toBe(0);
    expect(await list({ pathPrefix: 'data/one', versions: 'all' })).toEqual({ missing: 1 });
    expect(await list({ versions: 'all', partial: 'true' })).toBe(1);
  });

  it('takes many pages, each version in its place', async () => {
    const { source } = await app.experiment('pages');
    writeFileSync(join(source, 'seed'), '');
    await app.ended((await app.start('pages')).id);
    // 2,500 paths of three versions each: page borders fall between versions of one path.
    await database().query(
      `INSERT INTO ledger (experiment_id, acquisition_id, source_host, destination_path, destination_key, source_path,
         device, inode, size_bytes, mtime_ns, version, state, catalog_id, md5_sum, transferred_at)
       SELECT seed.experiment_id, seed.acquisition_id, seed.source_host, path, sha256(path), path, 0, 0, v.number, 0, v.number,
         'done', '', md5(path || int4send(v.number)), now()
       FROM ledger seed, generate_series(1, 2500) AS n, generate_series(1, 3) AS v (number),
         LATERAL (SELECT convert_to('data/' || n, 'UTF8') AS path) named
       WHERE seed.destination_path = 'data/seed'`,
    );
    await database().query(
      `INSERT INTO replica (ledger_id, size_bytes, proof, location)
       SELECT id, size_bytes, 'read-back',
         CASE WHEN version < 3 THEN convert_to('system/versions/v' || version || '/', 'UTF8') || destination_path END
       FROM ledger WHERE catalog_id = ''`,
    );
    const parse = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { path: string; version: number; isLatest: boolean });
    const latest = parse(await manifest('pages', { format: 'ndjson', pathPrefix: 'data/' }));
    const all = parse(await manifest('pages', { format: 'ndjson', versions: 'all' }));

    expect(latest).toHaveLength(2501);
    expect(new Set(latest.map((line) => line.path)).size).toBe(2501);
    expect(latest.filter((line) => line.version !== 3).map((line) => line.path)).toEqual(['data/seed']);
    expect(all).toHaveLength(7501);
    expect(all.filter((line) => line.isLatest)).toEqual(latest);
    const list = await manifest('pages', { versions: 'all' });
    expect(list.split('\n').filter((line) => line.includes('  system/versions/v2/data/'))).toHaveLength(2500);
  });
});
