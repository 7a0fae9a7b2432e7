import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apiPath } from '../../src/cli/api-client.js';
import { aStation, type Scene, type TestStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

interface AuditAnswer {
  id: string;
  status: string;
  phase: string;
  counts: Record<string, number>;
  findings: Record<string, number>;
  repairs: Record<string, number>;
  breaker: string;
  isBudgetSpent: boolean;
  waitsFor: string | null;
}

interface FindingAnswer {
  id: string;
  kind: string;
  path: string;
  what: string;
  version: number | null;
  evidence: { expected?: Record<string, unknown>; found?: Record<string, unknown> };
  repair: { state: string; note: string } | null;
}

/** What a scientist would ask of audits, over HTTP. */
class Audits {
  constructor(private readonly station: () => TestStation) {}

  start(scene: Scene, body: Record<string, unknown> = {}): Promise<AuditAnswer> {
    return this.station().api.post<AuditAnswer>('/audits', { experiment: scene.experiment, ...body });
  }

  get(id: string): Promise<AuditAnswer> {
    return this.station().api.get<AuditAnswer>(apiPath`/audits/${id}`);
  }

  ended(id: string): Promise<AuditAnswer> {
    return waitFor(
      async () => {
        const audit = await this.get(id);
        return ['done', 'stopped', 'failed'].includes(audit.status) ? audit : undefined;
      },
      { timeoutMs: 60_000, everyMs: 50, what: `audit ${id} to end` },
    );
  }

  async run(scene: Scene, body: Record<string, unknown> = {}): Promise<AuditAnswer & { all: FindingAnswer[] }> {
    const audit = await this.ended((await this.start(scene, body)).id);
    return { ...audit, all: await this.findings(audit.id) };
  }

  findings(id: string): Promise<FindingAnswer[]> {
    return this.station().api.allItems<FindingAnswer>(apiPath`/audits/${id}/findings`);
  }

  async repair(id: string, body: Record<string, unknown> = {}): Promise<FindingAnswer[]> {
    await this.station().api.post(apiPath`/audits/${id}/repairs`, body);
    return waitFor(
      async () => {
        const { repairs } = await this.get(id);
        return repairs['requested'] === 0 ? this.findings(id) : undefined;
      },
      { timeoutMs: 60_000, everyMs: 50, what: `repairs of ${id}` },
    );
  }
}

const told = (findings: readonly FindingAnswer[]) => findings.map(({ kind, path }) => `${kind} ${path}`).sort();

/** Other content of the same size, with the time that it had before: only its bytes tell. */
function tamperUnseen(path: string): void {
  const { atime, mtime } = statSync(path);
  const content = readFileSync(path);
  content[0] = (content[0] ?? 0) ^ 1;
  writeFileSync(path, content);
  utimesSync(path, atime, mtime);
}

describe('an audit', () => {
  const station = aStation({ obeysModes: true });
  const audits = new Audits(station);

  const filled = async (name: string, files: readonly string[]): Promise<Scene> => {
    const scene = await station().scene(name);
    for (const file of files) {
      mkdirSync(join(scene.source, file, '..'), { recursive: true });
      writeFileSync(join(scene.source, file), `content of ${file}`);
      // Whole seconds, so that the time can be given back exactly.
      utimesSync(join(scene.source, file), 1_700_000_000, 1_700_000_000);
    }
    expect(await station().upload(scene, { quietSeconds: 0 })).toMatchObject({ status: 'done' });
    return scene;
  };
  const deleteDocument = async (scene: Scene, path: string) => {
    const { id } = await station().file(scene, path);
    await station().api.delete(apiPath`/experiments/${scene.experiment}/files/${id}`);
  };
  const manifestAgrees = async (scene: Scene) => {
    const body = await station().api.open(apiPath`/experiments/${scene.experiment}/manifest`, {
      query: { versions: 'all' },
    });
    const list = Buffer.from(await new Response(body).arrayBuffer());
    const { status, stdout, stderr } = spawnSync('md5sum', ['--check', '--strict', '--quiet', '-'], {
      cwd: scene.storage,
      input: list,
      encoding: 'latin1',
    });
    return { status, stdout, stderr, others: /, (\d+) others/.exec(list.toString('latin1'))?.[1] };
  };
  const alarmsOf = async (scene: Scene) =>
    (await station().alarms()).filter((alarm) => alarm.message.includes(scene.experiment)).map((alarm) => alarm.key);

  it('finds nothing where nothing is wrong', async () => {
    const scene = await filled('clean', ['a.h5', 'run/b.h5', 'run/line\nfeed', 'run/c.h5']);
    const audit = await audits.run(scene, { deep: true });
    expect(audit).toMatchObject({
      status: 'done',
      findings: {},
      counts: { copies: 4, files: 4, documents: 4, verified: 4 },
    });
    expect(await alarmsOf(scene)).toEqual([]);
  });

  it('finds exactly what was tampered with, and puts it right', async () => {
    const names = [
      'good',
      'flipped',
      'truncated',
      'deleted',
      'undocumented',
      'source-gone',
      'source-changed',
      'linked',
    ];
    const scene = await filled('tampered', names);
    writeFileSync(join(scene.data, 'flipped'), 'Content of flipped'); // same size, other time
    truncateSync(join(scene.data, 'truncated'), 3);
    rmSync(join(scene.data, 'deleted'));
    rmSync(join(scene.data, 'linked'));
    symlinkSync('good', join(scene.data, 'linked'));
    await deleteDocument(scene, 'data/undocumented');
    rmSync(join(scene.source, 'source-gone'));
    writeFileSync(join(scene.source, 'source-changed'), 'grown since');
    mkdirSync(join(scene.storage, 'analysis'), { recursive: true });
    writeFileSync(join(scene.storage, 'analysis/dark.csv'), 'from nowhere');
    writeFileSync(join(scene.data, '.dm-999999.part'), 'half');
    utimesSync(join(scene.data, '.dm-999999.part'), 1_600_000_000, 1_600_000_000);
    writeFileSync(join(scene.data, '.dm-999998.part'), 'being written');

    const audit = await audits.run(scene);

    expect(audit.status).toBe('done');
    expect(told(audit.all)).toEqual([
      'changed data/flipped',
      'changed data/linked',
      'changed data/truncated',
      'dark analysis/dark.csv',
      'document-missing data/undocumented',
      'missing data/deleted',
      'source-changed data/source-changed',
      'source-gone data/source-gone',
      'temporary data/.dm-999999.part',
    ]);
    expect(audit.all.find(({ path }) => path === 'data/flipped')?.evidence).toMatchObject({
      expected: { md5Sum: md5Of(Buffer.from('content of flipped')) },
      found: { md5Sum: md5Of(Buffer.from('Content of flipped')) },
    });
    expect(await alarmsOf(scene)).toEqual([expect.stringMatching(/^audit\.findings:\d+$/)]);
    // What was found is in the record of the copy, not in the row (design invariant 3).
    const why = await station().why(scene, 'data/deleted');
    expect(why.rows[0]).toMatchObject({ state: 'done', replicas: [{ trouble: { kind: 'missing' } }] });
    expect(await manifestAgrees(scene)).toMatchObject({ status: 0, others: '4' });

    const repaired = await audits.repair(audit.id, { dark: 'adopt' });

    expect(repaired.filter(({ repair }) => repair !== null).map(({ repair }) => repair?.state)).toEqual(
      Array.from({ length: 7 }, () => 'repaired'),
    );
    for (const name of names) {
      expect(readFileSync(join(scene.data, name), 'utf8'), name).toBe(`content of ${name}`);
      expect(lstatSync(join(scene.data, name)).isFile(), name).toBe(true);
    }
    const kept = execFileSync('find', [join(scene.storage, 'system/audit/damaged'), '-type', 'f'], {
      encoding: 'utf8',
    });
    expect(
      kept
        .trimEnd()
        .split('\n')
        .map((path) => readFileSync(path, 'utf8'))
        .sort(),
    ).toEqual(['Content of flipped', 'con']);
    expect(existsSync(join(scene.data, '.dm-999999.part'))).toBe(false);
    expect(existsSync(join(scene.data, '.dm-999998.part'))).toBe(true);
    await station().row(scene, 'analysis/dark.csv', 'done');
    expect(await station().file(scene, 'analysis/dark.csv')).toMatchObject({
      md5Sum: md5Of(Buffer.from('from nowhere')),
    });
    expect(await station().file(scene, 'data/undocumented')).toMatchObject({ version: 1 });
    expect(await alarmsOf(scene)).toEqual([]);
    // The adopted file is the one that nobody can vouch for.
    expect(await manifestAgrees(scene)).toMatchObject({ status: 0, stdout: '', others: '1' });
    const after = await audits.run(scene, { deep: true });
    expect(told(after.all)).toEqual(['source-changed data/source-changed', 'source-gone data/source-gone']);
  });

  it('reads the bytes when it is deep, and only then sees what kept its size and time', async () => {
    const scene = await filled('unseen', ['a', 'b']);
    tamperUnseen(join(scene.data, 'a'));
    expect(told((await audits.run(scene)).all)).toEqual([]);

    const deep = await audits.run(scene, { deep: true, repair: ['changed'] });

    expect(told(deep.all)).toEqual(['changed data/a']);
    const repaired = await waitFor(
      async () => {
        const list = await manifestAgrees(scene);
        return list.others === '0' ? list : undefined;
      },
      { timeoutMs: 10_000, what: 'the repair that was asked for beforehand' },
    );
    expect(repaired).toMatchObject({ status: 0 });
    expect(readFileSync(join(scene.data, 'a'), 'utf8')).toBe('content of a');
  });

  it('knows a copy that comes back, and clears what it said of it', async () => {
    const scene = await filled('comes-back', ['a', 'b']);
    renameSync(join(scene.data, 'a'), join(scene.storage, 'a.away'));
    expect(told((await audits.run(scene)).all)).toEqual(['dark a.away', 'missing data/a']);
    expect(await manifestAgrees(scene)).toMatchObject({ others: '1' });

    renameSync(join(scene.storage, 'a.away'), join(scene.data, 'a'));

    expect(told((await audits.run(scene)).all)).toEqual([]);
    expect(await alarmsOf(scene)).toEqual([]);
    expect(await manifestAgrees(scene)).toMatchObject({ status: 0, others: '0' });
  });

  it('restores an older version at its kept place, from nothing but what still holds that content', async () => {
    const scene = await filled('older', ['a']);
    writeFileSync(join(scene.source, 'a'), 'second content');
    await station().upload(scene, { quietSeconds: 0 });
    const kept = join(scene.storage, 'system/versions/v1/data/a');
    rmSync(kept);
    const audit = await audits.run(scene);
    expect(told(audit.all)).toEqual(['missing system/versions/v1/data/a']);

    const [failed] = await audits.repair(audit.id);
    expect(failed?.repair).toMatchObject({ state: 'failed', note: expect.stringContaining('No other verified copy') });
    expect(existsSync(kept)).toBe(false);
    expect(readFileSync(join(scene.data, 'a'), 'utf8')).toBe('second content');

    writeFileSync(join(scene.source, 'a'), 'content of a');
    const [restored] = await audits.repair(audit.id);
    expect(restored?.repair).toMatchObject({ state: 'repaired' });
    expect(readFileSync(kept, 'utf8')).toBe('content of a');
    expect(readFileSync(join(scene.data, 'a'), 'utf8')).toBe('second content');
  });

  it('does not put a source in place that has changed, and leaves the damaged copy', async () => {
    const scene = await filled('no-good-left', ['a']);
    tamperUnseen(join(scene.data, 'a'));
    tamperUnseen(join(scene.source, 'a'));
    writeFileSync(join(scene.source, 'a'), 'xontent of b');
    const audit = await audits.run(scene, { deep: true });
    const [finding] = (await audits.repair(audit.id)).filter(({ kind }) => kind === 'changed');
    expect(finding?.repair).toMatchObject({ state: 'failed' });
    expect(readFileSync(join(scene.data, 'a'), 'utf8')).toBe('bontent of a');
    expect(existsSync(join(scene.storage, 'system/audit'))).toBe(false);
    expect(await alarmsOf(scene)).toHaveLength(1);
  });

  it('says what it cannot read, and takes it neither for damaged nor for one to replace', async () => {
    const scene = await filled('unreadable', ['a', 'b']);
    truncateSync(join(scene.data, 'b'), 3);
    chmodSync(join(scene.data, 'a'), 0o000);

    const audit = await audits.run(scene, { deep: true, repair: ['changed'] });

    expect(told(audit.all)).toEqual(['changed data/b', 'permissions data/a', 'unreadable data/a']);
    expect(audit.all.find(({ kind }) => kind === 'unreadable')).toMatchObject({
      what: expect.stringContaining('EACCES'),
      repair: null,
    });
    const refused = audits.repair(audit.id, { kinds: ['unreadable'] });
    await expect(refused).rejects.toMatchObject({ code: 'AUDIT_NOT_REPAIRABLE' });
    expect((await station().why(scene, 'data/a')).rows[0]?.replicas[0]).toMatchObject({ trouble: null });

    chmodSync(join(scene.data, 'a'), 0o640);
    expect(told((await audits.run(scene, { deep: true })).all)).toEqual([]);
  });

  it('leaves a damaged copy where it is that cannot be read when it is to be repaired', async () => {
    const scene = await filled('unreadable-later', ['a']);
    truncateSync(join(scene.data, 'a'), 3);
    const audit = await audits.run(scene);
    chmodSync(join(scene.data, 'a'), 0o000);
    const [finding] = await audits.repair(audit.id);
    expect(finding?.repair).toMatchObject({ state: 'failed', note: expect.stringContaining('EACCES') });
    expect(statSync(join(scene.data, 'a')).size).toBe(3);
    expect(existsSync(join(scene.storage, 'system/audit'))).toBe(false);
  });

  it('moves a dark file out of the way when it is told to, and deletes nothing', async () => {
    const scene = await filled('trash', ['a']);
    writeFileSync(join(scene.data, 'dark\nfile'), 'dark');
    const audit = await audits.run(scene);
    await expect(audits.repair(audit.id, { kinds: ['dark'] })).rejects.toMatchObject({ code: 'AUDIT_NOT_REPAIRABLE' });
    const [finding] = await audits.repair(audit.id, { kinds: ['dark'], dark: 'trash' });
    expect(finding?.repair).toMatchObject({ state: 'repaired' });
    const [only] = readdirSync(join(scene.storage, 'system/audit/trash'));
    expect(readFileSync(join(scene.storage, 'system/audit/trash', only ?? '', 'data/dark\nfile'), 'utf8')).toBe('dark');
    expect(told((await audits.run(scene)).all)).toEqual([]);
  });

  it('stops before it repairs much at once, until a person says that it is meant', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `f${index}`);
    const scene = await filled('burst', names);
    names.forEach((name) => truncateSync(join(scene.data, name), 1));

    const audit = await audits.run(scene, { repair: ['changed'] });

    expect(audit).toMatchObject({ breaker: 'open', findings: { changed: 12 }, repairs: { requested: 0, repaired: 0 } });
    expect(await alarmsOf(scene)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^audit\.breaker:/), expect.stringMatching(/^audit\.findings:/)]),
    );
    await expect(audits.repair(audit.id)).rejects.toMatchObject({ code: 'AUDIT_BREAKER_OPEN', status: 409 });
    expect(statSync(join(scene.data, 'f0')).size).toBe(1);

    await audits.repair(audit.id, { overrideBreaker: true });

    names.forEach((name) => expect(readFileSync(join(scene.data, name), 'utf8')).toBe(`content of ${name}`));
    await waitFor(async () => (await alarmsOf(scene)).length === 0, { what: 'the alarms to end' });
  });

  it('reads within its byte budget, and the next one goes on with the others', async () => {
    const scene = await station().scene('budget');
    for (let index = 0; index < 10; index += 1) {
      writeFileSync(join(scene.source, `f${index}`), Buffer.alloc(1000, index));
    }
    await station().upload(scene, { quietSeconds: 0 });
    const verifiedAt = async () =>
      new Map(
        (await Promise.all(Array.from({ length: 10 }, async (_, index) => station().why(scene, `data/f${index}`)))).map(
          (why) => [why.path, why.rows[0]?.replicas[0]?.verifiedAt],
        ),
      );
    const before = await verifiedAt();

    const first = await audits.run(scene, { deep: true, byteBudget: 4000, sha256: true });
    const between = await verifiedAt();
    const second = await audits.run(scene, { deep: true, byteBudget: 6000, sha256: true });
    const after = await verifiedAt();

    expect([first.counts['bytesRead'], second.counts['bytesRead']]).toEqual([4000, 6000]);
    expect(first.isBudgetSpent).toBe(true);
    const changed = (a: Map<string, unknown>, b: Map<string, unknown>) =>
      [...a.keys()].filter((path) => a.get(path) !== b.get(path));
    expect(changed(before, between)).toHaveLength(4);
    expect(changed(between, after)).toHaveLength(6);
    expect(new Set([...changed(before, between), ...changed(between, after)]).size).toBe(10);
    const body = await station().api.open(apiPath`/experiments/${scene.experiment}/manifest`, {
      query: { format: 'sha256sum' },
    });
    const check = spawnSync('sha256sum', ['--check', '--strict', '--quiet', '-'], {
      cwd: scene.storage,
      input: Buffer.from(await new Response(body).arrayBuffer()),
      encoding: 'utf8',
    });
    expect(check).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('can be stopped in the middle of a file, and refuses a second one beside it', async () => {
    const scene = await station().scene('stopped');
    writeFileSync(join(scene.source, 'large'), Buffer.alloc(20_000_000, 1));
    await station().upload(scene, { quietSeconds: 0 });
    const { id } = await audits.start(scene, { deep: true, bytesPerSecond: 100_000 });
    await waitFor(async () => ((await audits.get(id)).phase === 'content' ? true : undefined), {
      timeoutMs: 30_000,
      what: 'the audit to read',
    });
    await expect(audits.start(scene)).rejects.toMatchObject({ code: 'AUDIT_ACTIVE', status: 409 });
    await station().api.post(apiPath`/audits/${id}/stop`);
    const begun = Date.now();
    expect(await audits.ended(id)).toMatchObject({ status: 'stopped', counts: { verified: 0 } });
    expect(Date.now() - begun).toBeLessThan(20_000);
    await expect(station().api.post(apiPath`/audits/${id}/stop`)).rejects.toMatchObject({ code: 'AUDIT_ENDED' });
  });
});

describe('an audit that is interrupted', () => {
  const station = aStation();
  const audits = new Audits(station);

  it('goes on after kill -9 where it was', async () => {
    const scene = await station().scene('killed');
    for (let index = 0; index < 12; index += 1) {
      writeFileSync(join(scene.source, `f${index}`), Buffer.alloc(1_000_000, index));
    }
    await station().upload(scene, { quietSeconds: 0 });
    const { id } = await audits.start(scene, { deep: true, bytesPerSecond: 8_000_000 });
    await waitFor(async () => ((await audits.get(id)).phase === 'content' ? true : undefined), {
      timeoutMs: 30_000,
      everyMs: 20,
      what: 'the audit to read',
    });
    await station().killTree();
    await station().restart();
    const audit = await audits.ended(id);
    expect(audit).toMatchObject({ status: 'done', findings: {}, counts: { copies: 12, files: 12, verified: 12 } });
  });

  it('waits while the storage area is away, and takes no file for missing', async () => {
    const scene = await station().scene('away');
    writeFileSync(join(scene.source, 'a'), 'content');
    await station().upload(scene, { quietSeconds: 0 });
    renameSync(station().storage, `${station().storage}.away`);
    mkdirSync(station().storage); // the bare mount point
    const { id } = await audits.start(scene);
    await waitFor(async () => ((await audits.get(id)).waitsFor?.includes('not mounted') === true ? true : undefined), {
      timeoutMs: 30_000,
      what: 'the audit to say what it waits for',
    });
    rmSync(station().storage, { recursive: true });
    renameSync(`${station().storage}.away`, station().storage);
    expect(await audits.ended(id)).toMatchObject({ status: 'done', findings: {}, waitsFor: null });
  });
});

function md5Of(content: Buffer): string {
  return execFileSync('md5sum', { input: content, encoding: 'utf8' }).slice(0, 32);
}
