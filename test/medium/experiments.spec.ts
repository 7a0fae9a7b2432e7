import { mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Answer, type Continued, startAuthApp } from './auth.app.js';

let app: Continued;
let operator: string;
let manager: string;
beforeAll(async () => {
  app = await startAuthApp();
  operator = await app.user('operator', 'operator');
  manager = await app.user('manager', 'manager');
});
afterAll(() => app.close());

const create = (body: Record<string, unknown>, token = operator): Promise<Answer> =>
  app.request('POST', '/api/v1/experiments', { token, body });
const store = (...parts: string[]): string => join(app.storageRoot, '99IDZ', ...parts);

describe('creating an experiment', () => {
  it('makes the record and the directories with their modes, whatever the umask', async () => {
    const umask = process.umask(0o077);
    const answer = await create({
      name: 'smith-2026-3',
      type: 'IMAGING',
      description: 'Cracks',
      rootPath: '2026-3/visitors',
      startDate: '2026-11-20',
      endDate: '2026-11-24T08:00:00-06:00',
    }).finally(() => process.umask(umask));

    const directory = store('2026-3/visitors/smith-2026-3');
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.any(Number),
      name: 'smith-2026-3',
      stationName: '99IDZ',
      rootPath: '2026-3/visitors',
      type: 'IMAGING',
      description: 'Cracks',
      startDate: '2026-11-20T00:00:00.000Z',
      endDate: '2026-11-24T14:00:00.000Z',
      storageDirectory: directory,
      dataDirectory: join(directory, 'data'),
      analysisDirectory: join(directory, 'analysis'),
      systemDirectory: join(directory, 'system'),
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect((await readdir(directory)).sort()).toEqual(['analysis', 'data', 'system']);
    for (const path of [directory, ...['data', 'analysis', 'system'].map((name) => join(directory, name))]) {
      expect((await stat(path)).mode & 0o7777).toBe(0o2770);
    }
    for (const path of [store(), store('2026-3'), store('2026-3/visitors')]) {
      expect((await stat(path)).mode & 0o7777).toBe(0o755);
    }
    expect(await app.eventTypes('experiment.created')).toHaveLength(1);
  });

  it('needs nothing but a name', async () => {
    const answer = await create({ name: 'plain' });

    expect(answer.body).toMatchObject({
      type: 'XRAY',
      description: '',
      rootPath: null,
      startDate: null,
      endDate: null,
    });
  });

  it('succeeds once when many ask for the same name at the same time', async () => {
    const answers = await Promise.all(['race', 'race', 'RACE', 'race', 'Race'].map((name) => create({ name })));

    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409, 409, 409]);
    for (const refused of answers.filter((answer) => answer.status === 409)) {
      expect(refused.body.code).toBe('EXPERIMENT_EXISTS');
    }
    expect((await readdir(store())).filter((name) => name.toLowerCase() === 'race')).toHaveLength(1);
    expect((await readdir(store())).filter((name) => name.startsWith('.creating'))).toEqual([]);
  });

  it.each([
    [{ name: '../x' }, 'VALIDATION_FAILED'],
    [{ name: '.removed' }, 'VALIDATION_FAILED'],
    [{ name: 'ok', rootPath: '../../etc' }, 'VALIDATION_FAILED'],
    [{ name: 'ok', rootPath: '/etc' }, 'VALIDATION_FAILED'],
    [{ name: 'ok', startDate: 'tomorrow' }, 'VALIDATION_FAILED'],
    [{ name: 'ok', storageDirectory: '/etc' }, 'VALIDATION_FAILED'],
    [{ name: 'ok', description: 'a\u0000b' }, 'VALIDATION_FAILED'],
    [{ name: 'ok', startDate: '2026-11-20', endDate: '2026-11-19' }, 'EXPERIMENT_DATES_REVERSED'],
    [{ name: 'ok', type: 'NO SUCH' }, 'EXPERIMENT_TYPE_UNKNOWN'],
  ])('is refused as %j', async (body, code) => {
    expect(await create(body)).toMatchObject({ status: 422, body: { code } });
    expect(await readdir(store())).not.toContain('ok');
  });

  it.each([
    [{ name: 'data', rootPath: 'outer' }, 'outer'],
    [{ name: 'x', rootPath: 'outer/analysis' }, 'outer'],
    [{ name: '2026-3' }, 'smith-2026-3'],
  ])('is refused as %j, which would lie in or around %s', async (body, other) => {
    await create({ name: 'outer' });

    expect(await create(body)).toMatchObject({
      status: 409,
      body: { code: 'EXPERIMENT_DIRECTORY_OVERLAPS', details: { other } },
    });
  });

  it('never takes a directory that holds something, and leaves it as it was', async () => {
    await mkdir(store('taken/data'), { recursive: true });
    await writeFile(store('taken/data/precious.h5'), 'x');

    const answer = await create({ name: 'taken' });

    expect(answer).toMatchObject({ status: 409, body: { code: 'EXPERIMENT_DIRECTORY_EXISTS' } });
    expect(await readdir(store('taken'))).toEqual(['data']);
    expect(await app.database.query(`SELECT 1 FROM experiment WHERE name = 'taken'`)).toHaveLength(0);
    expect(await readdir(store())).not.toContainEqual(expect.stringMatching(/^\.creating/));
  });

  it.each([
    ['a file', () => writeFile(store('obstacle'), 'x')],
    ['a link', () => symlink('/tmp', store('obstacle'))],
    ['a dangling link', () => symlink('nowhere', store('obstacle'))],
    ['a foreign directory', () => mkdir(store('obstacle/other'), { recursive: true })],
  ])('is refused where %s has the name', async (_, make) => {
    await make();
    try {
      expect((await create({ name: 'obstacle' })).body.code).toBe('EXPERIMENT_DIRECTORY_EXISTS');
    } finally {
      await rm(store('obstacle'), { recursive: true });
    }
  });

  it.each(['halfway', '.creating-halfway-2'])('goes on where a crash left empty directories as %s', async (left) => {
    await mkdir(store(left, 'data'), { recursive: true, mode: 0o700 });
    const name = left.replace('.creating-', '');

    expect((await create({ name })).status).toBe(201);
    expect((await readdir(store(name))).sort()).toEqual(['analysis', 'data', 'system']);
    expect((await stat(store(name, 'data'))).mode & 0o7777).toBe(0o2770);
    expect(await readdir(store())).not.toContainEqual(expect.stringMatching(/^\.creating/));
  });

  it('does not follow a link out of the directory of the station', async () => {
    await mkdir(join(app.home, 'elsewhere'));
    await symlink(join(app.home, 'elsewhere'), store('escape'));

    expect((await create({ name: 'x', rootPath: 'escape' })).body.code).toBe('STORAGE_PATH_REFUSED');
    expect(await readdir(join(app.home, 'elsewhere'))).toEqual([]);
  });

  it('leaves no directories behind when the record cannot be committed', async () => {
    await app.database.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused at commit'; END $$`);
    await app.database.query(`
      CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON experiment DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (NEW.name = 'unlucky') EXECUTE FUNCTION refuse()`);

    expect((await create({ name: 'unlucky', rootPath: 'new-parent' })).status).toBe(500);
    expect(await readdir(store())).not.toContain('new-parent');

    await app.database.query(`DROP TRIGGER refuse ON experiment`);
    expect((await create({ name: 'unlucky', rootPath: 'new-parent' })).status).toBe(201);
  });

  it('leaves no record behind when the directories cannot be made', async () => {
    await writeFile(store('a-file'), 'x');

    const answer = await create({ name: 'under-a-file', rootPath: 'a-file' });

    expect(answer).toMatchObject({ status: 422, body: { code: 'STORAGE_PATH_REFUSED' } });
    expect((await get('under-a-file', operator)).status).toBe(404);
  });

  it('waits for a storage area that is not mounted instead of filling the empty mount point', async () => {
    await rename(store(), join(app.home, 'unmounted'));
    try {
      expect((await create({ name: 'too-early' })).body.code).toBe('STORAGE_UNAVAILABLE');
      expect(await readdir(app.storageRoot)).toEqual([]);
    } finally {
      await rename(join(app.home, 'unmounted'), store());
    }
  });
});

describe('what people see of experiments', () => {
  let member: string;
  let stranger: string;
  beforeAll(async () => {
    member = await app.user('member');
    stranger = await app.user('somebody');
    for (const name of ['seen-a', 'seen-b', 'seen-c', 'unseen']) {
      await create({ name });
    }
    for (const name of ['seen-a', 'seen-b', 'seen-c']) {
      await put(name, 'member', 'User', manager);
    }
  });

  it('are those that they belong to, and staff see all', async () => {
    expect(await names('?name=seen', member)).toEqual(['seen-a', 'seen-b', 'seen-c']);
    expect(await names('?name=SEEN', operator)).toEqual(['seen-a', 'seen-b', 'seen-c', 'unseen']);
    expect(await names('', stranger)).toEqual([]);
  });

  it('comes in pages that hold nothing of others', async () => {
    const first = await app.request('GET', '/api/v1/experiments?limit=2', { token: member });
    const second = await app.request('GET', `/api/v1/experiments?limit=2&cursor=${first.body.nextCursor}`, {
      token: member,
    });

    expect(first.body.items.map((each: { name: string }) => each.name)).toEqual(['seen-a', 'seen-b']);
    expect(second.body).toMatchObject({ items: [{ name: 'seen-c' }], nextCursor: null });
  });

  it('does not let them find out whether an experiment exists', async () => {
    const [hidden, missing] = [await get('unseen', stranger), await get('missing', stranger)];

    expect(hidden.status).toBe(404);
    expect({ ...hidden.body, requestId: '' }).toEqual({ ...missing.body, requestId: '' });
    for (const [method, path] of [
      ['PATCH', ''],
      ['DELETE', '?force=true'],
      ['GET', '/members'],
      ['PUT', '/members/somebody'],
      ['DELETE', '/members/member'],
    ] as const) {
      const body = { PATCH: { description: 'x' }, PUT: { role: 'PI' } }[method as string];
      const answer = await app.request(method, `/api/v1/experiments/unseen${path}`, {
        token: stranger,
        ...(body === undefined ? {} : { body }),
      });
      expect(answer, `${method} ${path}`).toMatchObject({ status: 404, body: { code: 'EXPERIMENT_NOT_FOUND' } });
    }
  });

  it.each(['%00', '..%2fadmin', '%E2%82%AC', 'a%20b'])('is nothing under the name %s', async (name) => {
    expect((await get(name, operator)).body.code).toBe('EXPERIMENT_NOT_FOUND');
  });

  it('changes with the next request when membership changes', async () => {
    await put('unseen', 'member', 'User', manager);
    expect((await get('unseen', member)).status).toBe(200);

    await app.request('DELETE', '/api/v1/experiments/unseen/members/member', { token: manager });
    expect((await get('unseen', member)).status).toBe(404);
  });

  const names = async (query: string, token: string): Promise<string[]> =>
    (await app.request('GET', `/api/v1/experiments${query}`, { token })).body.items.map(
      (each: { name: string }) => each.name,
    );
});

describe('members and roles', () => {
  let pi: string;
  let user: string;
  beforeAll(async () => {
    pi = await app.user('the-pi');
    user = await app.user('the-user');
    await create({ name: 'team' });
    await put('team', 'the-pi', 'PI', manager);
    await put('team', 'THE-USER', 'User', pi);
  });

  it('are shown to members, by username', async () => {
    const answer = await app.request('GET', '/api/v1/experiments/team/members', { token: user });

    expect(answer.body).toMatchObject({
      items: [
        { username: 'the-pi', role: 'PI' },
        { username: 'the-user', role: 'User' },
      ],
      nextCursor: null,
    });
  });

  it('let the PI change the experiment and its members, and users neither', async () => {
    expect((await patch('team', { description: 'by the PI' }, pi)).status).toBe(200);
    expect((await patch('team', { description: 'by the user' }, user)).body.code).toBe('FORBIDDEN');
    expect((await put('team', 'the-user', 'PI', user)).body.code).toBe('FORBIDDEN');
    expect((await put('team', 'the-user', 'PI', operator)).body.code).toBe('FORBIDDEN');
  });

  it('change without doubling, and say so once', async () => {
    const before = (await app.eventTypes('experiment.member')).length;
    await put('team', 'member', 'User', pi);
    await put('team', 'member', 'User', pi);
    expect((await put('team', 'member', 'PI', pi)).body).toMatchObject({ username: 'member', role: 'PI' });
    const remove = () => app.request('DELETE', '/api/v1/experiments/team/members/member', { token: pi });
    expect((await remove()).status).toBe(204);
    expect((await remove()).body.code).toBe('MEMBER_NOT_FOUND');

    expect((await app.eventTypes('experiment.member')).slice(before)).toEqual([
      'experiment.member-added',
      'experiment.member-changed',
      'experiment.member-removed',
    ]);
  });

  it('are for users that exist and roles that exist', async () => {
    expect((await put('team', 'nobody-known', 'User', pi)).body.code).toBe('USER_NOT_FOUND');
    expect((await put('team', 'the-user', 'Owner', pi)).body.code).toBe('VALIDATION_FAILED');
  });

  it('go with the user', async () => {
    await app.user('leaver');
    await put('team', 'leaver', 'User', pi);
    await app.request('DELETE', '/api/v1/users/leaver', { token: await app.admin() });

    const answer = await app.request('GET', '/api/v1/experiments/team/members', { token: pi });
    expect(answer.body.items.map((each: { username: string }) => each.username)).not.toContain('leaver');
  });

  it('do not allow what takes a role of the station', async () => {
    expect((await create({ name: 'by-a-pi' }, pi)).body.code).toBe('FORBIDDEN');
    expect((await app.request('DELETE', '/api/v1/experiments/team', { token: pi })).body.code).toBe('FORBIDDEN');
    expect((await app.request('DELETE', '/api/v1/experiments/team', { token: operator })).body.code).toBe('FORBIDDEN');
  });
});

describe('changing an experiment', () => {
  beforeAll(async () => {
    await create({ name: 'changing', startDate: '2026-11-20', endDate: '2026-11-24' });
  });

  it('changes what is named and leaves the rest', async () => {
    const answer = await patch('changing', { type: 'TEST', endDate: '2026-11-26' }, manager);

    expect(answer.body).toMatchObject({
      type: 'TEST',
      startDate: '2026-11-20T00:00:00.000Z',
      endDate: '2026-11-26T00:00:00.000Z',
    });
    expect((await patch('changing', { endDate: null }, manager)).body.endDate).toBeNull();
    expect(await app.eventTypes('experiment.updated')).not.toHaveLength(0);
  });

  it.each([
    [{}, 'VALIDATION_FAILED'],
    [{ name: 'other' }, 'VALIDATION_FAILED'],
    [{ rootPath: 'other' }, 'VALIDATION_FAILED'],
    [{ type: 'NO SUCH' }, 'EXPERIMENT_TYPE_UNKNOWN'],
    [{ endDate: '2026-11-19' }, 'EXPERIMENT_DATES_REVERSED'],
  ])('is refused as %j', async (body, code) => {
    expect(await patch('changing', body, manager)).toMatchObject({ status: 422, body: { code } });
  });
});

describe('types of experiments', () => {
  it('are seeded, and managers add more', async () => {
    const add = (name: string, token: string) =>
      app.request('POST', '/api/v1/experiment-types', { token, body: { name, description: 'x' } });
    expect((await add('OPERANDO', operator)).body.code).toBe('FORBIDDEN');
    expect((await add('OPERANDO', manager)).status).toBe(201);
    expect((await add('operando', manager)).body.code).toBe('EXPERIMENT_TYPE_EXISTS');

    const list = await app.request('GET', '/api/v1/experiment-types', { token: operator });
    const names = list.body.items.map((type: { name: string }) => type.name);
    expect(names).toEqual(['COMMISSIONING', 'IMAGING', 'OPERANDO', 'SCATTERING', 'SPECTROSCOPY', 'TEST', 'XRAY']);
    expect((await create({ name: 'operando-1', type: 'OPERANDO' })).body.type).toBe('OPERANDO');
  });
});

describe('a station without any experiment', () => {
  it('does not make the storage area itself: where it is missing, it is not mounted', async () => {
    const fresh = await startAuthApp();
    try {
      const token = await fresh.admin();
      await rm(fresh.storageRoot, { recursive: true });

      const answer = await fresh.request('POST', '/api/v1/experiments', { token, body: { name: 'first' } });

      expect(answer).toMatchObject({ status: 503, body: { code: 'STORAGE_UNAVAILABLE' } });
      expect(answer.headers.get('retry-after')).toBe('30');
      await expect(stat(fresh.storageRoot)).rejects.toMatchObject({ code: 'ENOENT' });
    } finally {
      await fresh.close();
    }
  });
});

describe('a group of its own for experiments', () => {
  let grouped: Continued;
  afterEach(() => grouped.close());

  it('owns the directories, and unknown ones are refused by name', async () => {
    const gid = process.getgid?.() ?? 0;
    grouped = await startAuthApp({ experiments: { group: String(gid) } });
    const token = await grouped.admin();
    const answer = await grouped.request('POST', '/api/v1/experiments', { token, body: { name: 'grouped' } });
    expect(answer.status).toBe(201);
    expect((await stat(answer.body.dataDirectory)).gid).toBe(gid);
    expect((await stat(answer.body.dataDirectory)).mode & 0o7777).toBe(0o2770);
    await grouped.close();

    grouped = await startAuthApp({ experiments: { group: 'no-such-group' } });
    const refused = await grouped.request('POST', '/api/v1/experiments', {
      token: await grouped.admin(),
      body: { name: 'grouped' },
    });
    expect(refused).toMatchObject({ status: 503, body: { code: 'GROUP_UNKNOWN' } });
    expect(await readdir(grouped.storageRoot)).toEqual([]);
  });
});

describe('directories', () => {
  afterEach(() => vi.restoreAllMocks());

  it('are not taken back when the commit happened although its answer was lost', async () => {
    const transaction = app.database.transaction.bind(app.database);
    vi.spyOn(app.database, 'transaction').mockImplementationOnce(async (run) => {
      await transaction(run);
      throw new Error('Connection terminated unexpectedly');
    });

    expect((await create({ name: 'answer-lost' })).status).toBe(503);

    expect((await get('answer-lost', operator)).status).toBe(200);
    expect((await readdir(store('answer-lost'))).sort()).toEqual(['analysis', 'data', 'system']);
  });
});

function get(name: string, token: string): Promise<Answer> {
  return app.request('GET', `/api/v1/experiments/${name}`, { token });
}

function patch(name: string, body: unknown, token: string): Promise<Answer> {
  return app.request('PATCH', `/api/v1/experiments/${name}`, { token, body });
}

function put(name: string, username: string, role: string, token: string): Promise<Answer> {
  return app.request('PUT', `/api/v1/experiments/${name}/members/${username}`, { token, body: { role } });
}
