import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_PASSWORD, type Answer, type Continued, startAuthApp } from './auth.app.js';

let app: Continued;
let admin: string;
beforeAll(async () => {
  app = await startAuthApp({ auth: { principalCacheSeconds: 60 } });
  admin = await app.admin();
});
afterAll(() => app.close());

const asAdmin = (method: string, path: string, body?: unknown): Promise<Answer> =>
  app.request(method, path, { token: admin, ...(body === undefined ? {} : { body }) });
const statusOf = async (token: string): Promise<number> =>
  (await app.request('GET', '/api/v1/auth/me', { token })).status;

describe('users', () => {
  it('are created, shown, changed and deleted by administrators', async () => {
    const created = await asAdmin('POST', '/api/v1/users', {
      username: 'Jane.Doe',
      password: 'seven wet horses',
      firstName: ' Jane ',
      email: 'jane@example.org',
    });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      id: expect.any(Number),
      username: 'jane.doe',
      firstName: 'Jane',
      lastName: null,
      email: 'jane@example.org',
      roles: [],
      disabled: false,
      hasPassword: true,
      passwordChangeRequired: true,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });

    const changed = await asAdmin('PATCH', '/api/v1/users/jane.doe', { lastName: 'Doe', email: null });
    expect(changed.body).toMatchObject({ firstName: 'Jane', lastName: 'Doe', email: null });
    expect((await asAdmin('GET', '/api/v1/users/JANE.DOE')).body).toEqual(changed.body);

    expect((await asAdmin('DELETE', '/api/v1/users/jane.doe')).status).toBe(204);
    expect((await asAdmin('GET', '/api/v1/users/jane.doe')).body.code).toBe('USER_NOT_FOUND');
    expect((await asAdmin('DELETE', '/api/v1/users/jane.doe')).status).toBe(404);
    expect(await app.eventTypes('user.')).toEqual(
      expect.arrayContaining(['user.created', 'user.updated', 'user.deleted']),
    );
  });

  it('have unique names without regard to case, also when created at the same time', async () => {
    const answers = await Promise.all(
      ['twin', 'TWIN', 'Twin'].map((username) => asAdmin('POST', '/api/v1/users', { username })),
    );

    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409]);
    expect(answers.find((answer) => answer.status === 409)?.body.code).toBe('USER_EXISTS');
  });

  it.each([
    [{ username: '-rf' }, 'VALIDATION_FAILED'],
    [{ username: 'a b' }, 'VALIDATION_FAILED'],
    [{ username: 'größe' }, 'VALIDATION_FAILED'],
    [{ username: 'a'.repeat(65) }, 'VALIDATION_FAILED'],
    [{ username: 'ok', email: 'not an address' }, 'VALIDATION_FAILED'],
    [{ username: 'ok', firstName: 'a\nb' }, 'VALIDATION_FAILED'],
    [{ username: 'ok', roles: ['administrator'] }, 'VALIDATION_FAILED'],
    [{ username: 'ok', password: 'short' }, 'PASSWORD_REFUSED'],
    [{ username: 'okokokok', password: 'okokokok' }, 'PASSWORD_REFUSED'],
  ])('are refused as %j', async (body, code) => {
    expect(await asAdmin('POST', '/api/v1/users', body)).toMatchObject({ status: 422, body: { code } });
  });

  it('are listed in pages', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) {
      await asAdmin('POST', '/api/v1/users', { username: name });
    }
    const names: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page = await asAdmin('GET', `/api/v1/users?limit=2${query}`);
      expect(page.body.items.length).toBeLessThanOrEqual(2);
      names.push(...page.body.items.map((user: { username: string }) => user.username));
      cursor = page.body.nextCursor;
    } while (cursor !== null);

    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(['admin', 'page-a', 'page-b', 'page-c']));
    expect(new Set(names).size).toBe(names.length);
    expect((await asAdmin('GET', '/api/v1/users?cursor=nonsense')).body.code).toBe('CURSOR_INVALID');
  });

  it('see themselves and, without a role, nobody else', async () => {
    const token = await app.user('plain');

    expect((await app.request('GET', '/api/v1/users/plain', { token })).body.username).toBe('plain');
    for (const [method, path] of [
      ['GET', '/api/v1/users'],
      ['GET', '/api/v1/users/admin'],
      ['DELETE', '/api/v1/users/admin'],
      ['PUT', '/api/v1/users/plain/roles/administrator'],
    ] as const) {
      expect(await app.request(method, path, { token })).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    }
  });
});

describe('names that no user can have', () => {
  it.each(['%00', 'a%00b', '..%2f..%2fetc', '%F0%9F%94%91', "x'--"])('are unknown users: %s', async (name) => {
    expect((await asAdmin('GET', `/api/v1/users/${name}`)).body.code).toBe('USER_NOT_FOUND');
    expect((await asAdmin('PATCH', `/api/v1/users/${name}`, { disabled: true })).body.code).toBe('USER_NOT_FOUND');
  });

  it.each(['"a\\u0000b"', '17', '{"$gt":""}'])('are no cursors: %s', async (cursor) => {
    const text = Buffer.from(cursor).toString('base64url');
    expect((await asAdmin('GET', `/api/v1/users?cursor=${text}`)).body.code).toBe('CURSOR_INVALID');
  });
});

describe('changes of users', () => {
  it('apply at once, although callers are remembered for a while', async () => {
    const token = await app.user('changing');
    expect((await app.request('GET', '/api/v1/users', { token })).status).toBe(403);

    await asAdmin('PUT', '/api/v1/users/changing/roles/manager');
    expect((await app.request('GET', '/api/v1/users', { token })).status).toBe(200);

    await asAdmin('DELETE', '/api/v1/users/changing/roles/manager');
    expect((await app.request('GET', '/api/v1/users', { token })).status).toBe(403);

    await asAdmin('PATCH', '/api/v1/users/changing', { disabled: true });
    expect(await statusOf(token)).toBe(401);
  });

  it('end sessions when an administrator sets a password', async () => {
    const token = await app.user('forgetful');

    await asAdmin('PATCH', '/api/v1/users/forgetful', { password: 'eight dry donkeys' });

    expect(await statusOf(token)).toBe(401);
    const login = await app.request('POST', '/api/v1/auth/login', {
      body: { username: 'forgetful', password: 'eight dry donkeys' },
    });
    expect(login.body.passwordChangeRequired).toBe(true);
  });

  it('do not let administrators set their own password without the present one', async () => {
    const answer = await asAdmin('PATCH', '/api/v1/users/ADMIN', { password: 'eight dry donkeys' });

    expect(answer.body.code).toBe('OWN_PASSWORD');
    await expect(app.login('admin', ADMIN_PASSWORD)).resolves.toMatch(/^dms_/);
  });

  it('give and take a role once, however often they are asked for', async () => {
    await app.user('twice');
    const before = (await app.eventTypes('user.role')).length;

    await asAdmin('PUT', '/api/v1/users/twice/roles/operator');
    expect((await asAdmin('PUT', '/api/v1/users/twice/roles/operator')).body.roles).toEqual(['operator']);
    await asAdmin('DELETE', '/api/v1/users/twice/roles/operator');
    expect((await asAdmin('DELETE', '/api/v1/users/twice/roles/operator')).body.roles).toEqual([]);

    expect((await app.eventTypes('user.role')).slice(before)).toEqual(['user.role-granted', 'user.role-revoked']);
    expect((await asAdmin('PUT', '/api/v1/users/twice/roles/king')).status).toBe(422);
    expect((await asAdmin('PUT', '/api/v1/users/unknown/roles/operator')).status).toBe(404);
  });
});

describe('the last administrator', () => {
  it.each([
    ['loses the role', 'DELETE', '/api/v1/users/admin/roles/administrator', undefined],
    ['is deleted', 'DELETE', '/api/v1/users/admin', undefined],
    ['is disabled', 'PATCH', '/api/v1/users/admin', { disabled: true }],
  ])('never %s, not even when there are others who cannot log in', async (_, method, path, body) => {
    await asAdmin('POST', '/api/v1/users', { username: 'no-password' });
    await asAdmin('PUT', '/api/v1/users/no-password/roles/administrator');

    expect(await asAdmin(method, path, body)).toMatchObject({ status: 409, body: { code: 'LAST_ADMINISTRATOR' } });
    expect((await asAdmin('GET', '/api/v1/users/admin')).body).toMatchObject({
      roles: ['administrator'],
      disabled: false,
    });
  });

  it('is left when two administrators remove each other at the same moment', async () => {
    const other = await app.user('second', 'administrator');

    const answers = await Promise.all([
      asAdmin('DELETE', '/api/v1/users/second/roles/administrator'),
      app.request('DELETE', '/api/v1/users/admin/roles/administrator', { token: other }),
    ]);

    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    const [row] = await app.database.query<{ count: string }>(
      `SELECT count(*) FROM station_user WHERE 'administrator' = ANY(roles) AND password_hash IS NOT NULL`,
    );
    expect(Number(row?.count)).toBe(1);
    await app.database.query(`UPDATE station_user SET roles = '{administrator}' WHERE username = 'admin'`);
  });
});
