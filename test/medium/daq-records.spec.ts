import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { apiPath } from '../../src/cli/api-client.js';
import type { WhyFile } from '../../src/cli/api-types.js';
import { CatalogPlugin } from '../../src/daq/pipeline/catalog.plugin.js';
import { Database } from '../../src/platform/database/index.js';
import { PRIMARY, type ReplicaOfVersion, ReplicaRepository } from '../../src/storage/index.js';
import { DaqApp } from './daq.app.js';

describe('what is written down of a file', () => {
  let app: DaqApp;
  let number = 0;

  beforeAll(async () => {
    app = await DaqApp.start();
  });
  afterAll(() => app.close());
  afterEach(() => vi.restoreAllMocks());

  async function withFiles(...names: string[]): Promise<{ experiment: string; source: string; storage: string }> {
    const experiment = `records-${(number += 1)}`;
    const places = await app.experiment(experiment);
    names.forEach((name) => writeFileSync(join(places.source, name), name));
    return { experiment, ...places };
  }

  const upload = async (experiment: string) => app.ended((await app.start(experiment)).id);
  const why = async (experiment: string, path: string) =>
    (await app.as('admin')).get<WhyFile>(apiPath`/experiments/${experiment}/why`, { path });
  const replicas = () => app.app.get(ReplicaRepository);
  const database = () => app.app.get(Database);

  async function allReplicas(experiment: string): Promise<ReplicaOfVersion[]> {
    const [row] = await database().query<{ id: number }>(`SELECT id FROM experiment WHERE name = $1`, [experiment]);
    const found: ReplicaOfVersion[] = [];
    for await (const replica of replicas().ofExperiment(row?.id ?? -1)) {
      found.push(replica);
    }
    return found;
  }

  it('a plug-in that lets a file go on may warn: the row keeps it, and "why" tells it, once', async () => {
    const scene = await withFiles('a.h5');
    const catalog = app.app.get(CatalogPlugin);
    const process = catalog.process.bind(catalog);
    vi.spyOn(catalog, 'process').mockImplementation(async (files) =>
      (await process(files)).map((outcome) =>
        outcome.kind === 'passed' ? { ...outcome, warning: { code: 'ODD', message: 'odd\0 header' } } : outcome,
      ),
    );
    expect(await upload(scene.experiment)).toMatchObject({ status: 'done', counts: { done: 1 } });
    const answer = await why(scene.experiment, 'data/a.h5');
    expect(answer.verdict).toContain('It is safe');
    expect(answer.verdict).toContain('Plug-in catalog warned: odd\u2400 header');
    expect(answer.rows[0]?.warnings).toMatchObject([{ plugin: 'catalog', code: 'ODD', message: 'odd\u2400 header' }]);
    expect(answer.rows[0]?.timeline.some((entry) => entry.what.includes('warning of catalog (ODD)'))).toBe(true);
  });

  it('a copy has one record for each destination, and follows the content of an older version', async () => {
    const scene = await withFiles('a.h5');
    await upload(scene.experiment);
    writeFileSync(join(scene.source, 'a.h5'), 'the second content');
    await upload(scene.experiment);

    const [second, first] = (await why(scene.experiment, 'data/a.h5')).rows;
    expect(second?.replicas).toMatchObject([
      { destination: 'primary', location: join(scene.storage, 'data/a.h5'), proof: 'read-back', trouble: null },
    ]);
    expect(first?.replicas).toMatchObject([{ location: join(scene.storage, 'system/versions/v1/data/a.h5') }]);

    const ledgerId = second?.id ?? '';
    const mirror = { ledgerId, destination: 'mirror', md5Sum: null, sizeBytes: 18n, proof: 'size' } as const;
    await replicas().record(database(), [mirror]);
    await replicas().record(database(), [{ ...mirror, location: Buffer.from('elsewhere/a.h5') }]);
    expect(await replicas().of([ledgerId])).toMatchObject([
      { destination: PRIMARY, location: Buffer.from('data/a.h5') },
      { destination: 'mirror', location: Buffer.from('elsewhere/a.h5'), proof: 'size', md5Sum: null },
    ]);
    await replicas().forget(database(), ledgerId, 'mirror');
    expect((await replicas().of([ledgerId])).length).toBe(1);
  });

  it('an audit goes through all copies of an experiment, page by page, and notes what it finds', async () => {
    const names = Array.from({ length: 1203 }, (_, index) => `${index}.tif`);
    const scene = await withFiles(...names);
    await upload(scene.experiment);
    const found = await allReplicas(scene.experiment);
    expect(new Set(found.map((replica) => replica.destinationPath.toString())).size).toBe(names.length);
    expect(found.length).toBe(names.length);

    const [one] = found;
    const ledgerId = one?.ledgerId ?? '';
    const trouble = { kind: 'missing', reason: 'not there' } as const;
    await replicas().noteCheck(database(), [{ ledgerId, destination: PRIMARY, trouble }]);
    const path = one?.destinationPath.toString() ?? '';
    expect((await why(scene.experiment, path)).rows[0]?.replicas).toMatchObject([{ trouble }]);
    await replicas().noteCheck(database(), [{ ledgerId, destination: PRIMARY, trouble: null }]);
    expect(await replicas().of([ledgerId])).toMatchObject([{ trouble: null, checkedAt: expect.any(Date) as Date }]);
  });

  it('goes with its experiment, down to the copies', async () => {
    const scene = await withFiles('a.h5', 'b.h5');
    await upload(scene.experiment);
    const ids = (await allReplicas(scene.experiment)).map((replica) => replica.ledgerId);
    expect(ids.length).toBe(2);
    await (await app.as('admin')).delete(apiPath`/experiments/${scene.experiment}?force=true`);
    const rows = await database().query(
      `SELECT ledger_id FROM replica WHERE ledger_id = ANY($1::bigint[])
       UNION ALL SELECT id FROM ledger WHERE id = ANY($1::bigint[])`,
      [ids],
    );
    expect(rows).toEqual([]);
  });
});
