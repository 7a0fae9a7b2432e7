import { access, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ExperimentDirectories } from '../../src/experiments/experiment-directories.js';
import { ExperimentRemovalService, ExperimentUsage, type UsageFinding } from '../../src/experiments/index.js';
import { type Answer, type Continued, startAuthApp } from './auth.app.js';

describe('deleting an experiment', () => {
  let app: Continued;
  let token: string;
  beforeEach(async () => {
    app = await startAuthApp();
    token = await app.admin();
    await create('old');
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await app.close();
  });

  it('takes the record away and sets the directory aside', async () => {
    const answer = await remove('old');

    expect(answer.status).toBe(200);
    const { removedDirectory } = answer.body as { removedDirectory: string };
    expect(removedDirectory).toMatch(/\/99IDZ\/\.removed\/old-\d{8}T\d{9}Z$/);
    expect((await readdir(removedDirectory)).sort()).toEqual(['analysis', 'data', 'system']);
    expect((await stat(store('.removed'))).mode & 0o7777).toBe(0o700);
    await expect(access(store('old'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await get('old')).status).toBe(404);
    expect(await app.eventTypes('experiment.deleted')).toHaveLength(1);
    expect((await create('old')).status).toBe(201);
  });

  it('is refused while there are files, and with force moves them without touching one', async () => {
    await mkdir(store('old/data/scan1'));
    await writeFile(store('old/data/scan1/a.h5'), 'precious');

    expect(await remove('old')).toMatchObject({
      status: 409,
      body: { code: 'EXPERIMENT_NOT_EMPTY', details: { contents: ['files in its directory'] } },
    });
    expect(await remove('old', '?force=yes')).toMatchObject({ status: 422 });
    expect((await get('old')).status).toBe(200);

    const answer = await remove('old', '?force=true');
    expect(answer.status).toBe(200);
    expect(await readFile(join(answer.body.removedDirectory, 'data/scan1/a.h5'), 'utf8')).toBe('precious');
  });

  it('keeps all that was removed under the same name', async () => {
    const removed = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      await create('old');
      removed.add(basename((await remove('old')).body.removedDirectory as string));
    }

    expect((await readdir(store('.removed'))).sort()).toEqual([...removed].sort());
    expect(removed.size).toBe(3);
  });

  it('is refused while another module works on it, even with force', async () => {
    report({ kind: 'active', what: 'a running acquisition 66f0' }, { kind: 'contents', what: '12 cataloged files' });

    expect(await remove('old', '?force=true')).toMatchObject({
      status: 409,
      body: {
        code: 'EXPERIMENT_IN_USE',
        detail: 'old has a running acquisition 66f0. Stop that first, or wait until it is done.',
      },
    });
    expect((await get('old')).status).toBe(200);
  });

  it('counts what other modules keep for it, and takes that along when forced', async () => {
    report({ kind: 'contents', what: '12 cataloged files' });
    await app.database.query(
      `CREATE TABLE note (experiment_id integer NOT NULL REFERENCES experiment (id) ON DELETE CASCADE)`,
    );
    await app.database.query(`INSERT INTO note SELECT id FROM experiment`);

    expect((await remove('old')).body.details).toEqual({ contents: ['12 cataloged files'] });
    expect((await remove('old', '?force=true')).status).toBe(200);
    expect(await app.database.query(`SELECT 1 FROM note`)).toEqual([]);
  });

  it('happens once when two ask at the same time', async () => {
    const answers = await Promise.all([remove('old'), remove('old')]);

    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 404]);
    expect(await readdir(store('.removed'))).toHaveLength(1);
  });

  it('is made up for after a crash between the record and the directory', async () => {
    const directories = app.app.get(ExperimentDirectories);
    vi.spyOn(directories, 'moveAway').mockRejectedValue(new Error('crashed here'));
    const { removedDirectory } = (await remove('old')).body as { removedDirectory: string };
    await access(store('old/data'));

    await app.stop();
    app = await startAuthApp({ after: app });
    token = await app.admin();

    await access(join(removedDirectory, 'data'));
    await expect(access(store('old'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await app.database.query(`SELECT 1 FROM experiment_removal`)).toEqual([]);
  });

  it('goes on with the others when one directory cannot be moved', async () => {
    await create('stuck');
    const directories = app.app.get(ExperimentDirectories);
    const move = directories.moveAway.bind(directories);
    vi.spyOn(directories, 'moveAway').mockImplementation((source, target) =>
      source.endsWith('stuck') ? Promise.reject(new Error('busy')) : move(source, target),
    );

    await remove('stuck');
    await remove('old');
    await expect(access(store('old'))).rejects.toMatchObject({ code: 'ENOENT' });
    await access(store('stuck'));

    vi.restoreAllMocks();
    await app.app.get(ExperimentRemovalService).finishPending();
    await expect(access(store('stuck'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('waits for a storage area that is not mounted, for its files cannot be seen', async () => {
    await rename(store(), join(app.home, 'unmounted'));

    expect(await remove('old', '?force=true')).toMatchObject({ status: 503, body: { code: 'STORAGE_UNAVAILABLE' } });
    expect((await get('old')).status).toBe(200);
    await rename(join(app.home, 'unmounted'), store());
  });

  function report(...findings: UsageFinding[]): void {
    app.app.get(ExperimentUsage).register(() => Promise.resolve(findings));
  }

  const store = (...parts: string[]): string => join(app.storageRoot, '99IDZ', ...parts);
  const create = (name: string): Promise<Answer> =>
    app.request('POST', '/api/v1/experiments', { token, body: { name } });
  const get = (name: string): Promise<Answer> => app.request('GET', `/api/v1/experiments/${name}`, { token });
  const remove = (name: string, query = ''): Promise<Answer> =>
    app.request('DELETE', `/api/v1/experiments/${name}${query}`, { token });
});
