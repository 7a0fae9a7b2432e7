import { access, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AdministratorSeed, RequestAuthenticator } from '../../src/auth/index.js';
import { ADMIN_PASSWORD, type Continued, startAuthApp } from './auth.app.js';

describe('the first administrator', () => {
  let app: Continued;
  afterEach(() => app.close());

  it('gets a generated password in a file of its own, which goes when the password is changed', async () => {
    app = await startAuthApp();
    const file = join(app.dataDir, 'admin-password');

    const seeded = await app.app.get(AdministratorSeed).ensure(app.dataDir);
    expect(seeded).toEqual({
      username: 'admin',
      passwordFile: file,
      password: expect.stringMatching(/^[a-z2-9-]{23}$/),
    });
    expect((await readFile(file, 'utf8')).trim()).toBe(seeded?.password);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await app.app.get(AdministratorSeed).ensure(app.dataDir)).toBeNull();

    const login = await app.request('POST', '/api/v1/auth/login', {
      body: { username: 'admin', password: seeded?.password },
    });
    expect(login.body).toMatchObject({ passwordChangeRequired: true, user: { roles: ['administrator'] } });
    const token = login.body.token as string;
    expect((await app.request('GET', '/api/v1/users', { token })).status).toBe(200);

    const body = { currentPassword: seeded?.password, newPassword: ADMIN_PASSWORD };
    expect((await app.request('POST', '/api/v1/auth/password', { token, body })).status).toBe(204);
    await expect(access(file)).rejects.toMatchObject({ code: 'ENOENT' });
    const again = await app.request('POST', '/api/v1/auth/login', {
      body: { username: 'admin', password: ADMIN_PASSWORD },
    });
    expect(again.body.passwordChangeRequired).toBe(false);
  });

  it('is made once when several starts ask at the same time', async () => {
    app = await startAuthApp();
    const seed = app.app.get(AdministratorSeed);

    const seeded = await Promise.all([1, 2, 3].map(() => seed.ensure(app.dataDir)));

    expect(seeded.filter((each) => each !== null)).toHaveLength(1);
    const password = (await readFile(join(app.dataDir, 'admin-password'), 'utf8')).trim();
    await expect(app.login('admin', password)).resolves.toMatch(/^dms_/);
  });
});

describe('sessions', () => {
  let app: Continued;
  beforeAll(async () => {
    app = await startAuthApp();
    await app.admin();
  });
  afterAll(() => app.close());

  it('let nobody in without login, and say how to get in', async () => {
    const answer = await app.request('GET', '/api/v1/auth/me');

    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    expect(answer.body).toMatchObject({
      code: 'LOGIN_REQUIRED',
      detail: expect.stringContaining('/api/v1/auth/login'),
    });
  });

  it.each([
    ['an unknown token', `dms_${'a'.repeat(43)}`],
    ['nonsense', 'x'],
    ['a very long token', 'dms_' + 'a'.repeat(10_000)],
  ])('refuse %s', async (_, token) => {
    const answer = await app.request('GET', '/api/v1/auth/me', { token });

    expect(answer.status).toBe(401);
    expect(answer.body.code).toBe('CREDENTIAL_REJECTED');
  });

  it('work by token and by cookie alike, and the cookie is for this station and no script', async () => {
    const answer = await app.request('POST', '/api/v1/auth/login', {
      body: { username: 'ADMIN', password: ADMIN_PASSWORD },
    });
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(
      /^dm_session=dms_[\w-]{43}; Max-Age=604800; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
    );
    expect(answer.headers.get('cache-control')).toBe('no-store');

    const byCookie = await app.request('GET', '/api/v1/auth/me', { headers: { Cookie: cookie } });
    const byToken = await app.request('GET', '/api/v1/auth/me', { token: answer.body.token });
    expect(byCookie.status).toBe(200);
    expect(byToken.body).toEqual(byCookie.body);
    expect(byToken.body).toMatchObject({
      user: { username: 'admin' },
      credential: 'session',
      roles: ['administrator'],
    });
  });

  it('end by logout, at once', async () => {
    const token = await app.login('admin', ADMIN_PASSWORD);
    const other = await app.login('admin', ADMIN_PASSWORD);
    expect((await app.request('GET', '/api/v1/auth/me', { token })).status).toBe(200);

    const answer = await app.request('POST', '/api/v1/auth/logout', { token });

    expect(answer.status).toBe(204);
    expect(answer.headers.get('set-cookie')).toMatch(/^dm_session=; /);
    expect((await app.request('GET', '/api/v1/auth/me', { token })).status).toBe(401);
    expect((await app.request('GET', '/api/v1/auth/me', { token: other })).status).toBe(200);
  });

  it('are stored as digests only', async () => {
    const token = await app.login('admin', ADMIN_PASSWORD);
    const [row] = await app.database.query<{ text: string }>(
      `SELECT string_agg(s::text, ' ') || (SELECT string_agg(u::text, ' ') FROM station_user u) AS text FROM user_session s`,
    );

    expect(row?.text).not.toContain(token.slice(4));
    expect(row?.text).not.toContain(ADMIN_PASSWORD);
    expect(row?.text).toContain('$argon2id$');
  });

  it('answer who asks on public routes that tell more to those who are known', async () => {
    const token = await app.login('admin', ADMIN_PASSWORD);
    const authenticator = app.app.get(RequestAuthenticator);

    expect(await authenticator.authenticate({ headers: { authorization: `Bearer ${token}` } })).toMatchObject({
      kind: 'user',
      username: 'admin',
    });
    expect(await authenticator.authenticate({ headers: {} })).toBeNull();
    expect(await authenticator.authenticate({ headers: { authorization: 'Basic eDp5' } })).toBeNull();
  });

  it('refuse changes by cookie that a page of another site asks for', async () => {
    const cookie = `dm_session=${await app.login('admin', ADMIN_PASSWORD)}`;
    const from = (origin: string) =>
      app.request('POST', '/api/v1/auth/logout', { headers: { Cookie: cookie, Origin: origin } });

    const foreign = await from('https://evil.example');
    expect(foreign.status).toBe(403);
    expect(foreign.body.code).toBe('CROSS_ORIGIN_REQUEST');
    expect((await app.request('GET', '/api/v1/auth/me', { headers: { Cookie: cookie } })).status).toBe(200);

    const login = await app.request('POST', '/api/v1/auth/login', {
      body: { username: 'admin', password: ADMIN_PASSWORD },
      headers: { Origin: 'https://evil.example' },
    });
    expect(login.body.code).toBe('CROSS_ORIGIN_REQUEST');
  });
});

describe('expiry of sessions', () => {
  let app: Continued;
  beforeAll(async () => {
    app = await startAuthApp({
      auth: { sessionIdleSeconds: 1000, sessionAbsoluteSeconds: 5000, principalCacheSeconds: 0, maxSessionsPerUser: 3 },
    });
    await app.admin();
  });
  afterAll(() => app.close());

  it('comes when nobody uses the session, and not while somebody does', async () => {
    const token = await app.login('admin', ADMIN_PASSWORD);
    await age(600);
    expect(await isLoggedIn(token)).toBe(true);
    await age(600);
    expect(await isLoggedIn(token)).toBe(true);
    await age(1001);
    expect(await isLoggedIn(token)).toBe(false);
  });

  it('comes in the end, however busy the session is', async () => {
    const token = await app.login('admin', ADMIN_PASSWORD);
    for (let seconds = 0; seconds < 4800; seconds += 800) {
      expect(await isLoggedIn(token)).toBe(true);
      await age(800);
    }
    await age(201);
    expect(await isLoggedIn(token)).toBe(false);
  });

  it('comes to the oldest session when a user has too many', async () => {
    const tokens: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      tokens.push(await app.login('admin', ADMIN_PASSWORD));
    }

    expect(await Promise.all(tokens.map(isLoggedIn))).toEqual([false, true, true, true]);
  });

  /** Makes all sessions look as if that much time had passed. */
  async function age(seconds: number): Promise<void> {
    await app.database.query(
      `UPDATE user_session SET expires_at = expires_at - make_interval(secs => $1),
         absolute_expires_at = absolute_expires_at - make_interval(secs => $1)`,
      [seconds],
    );
  }

  async function isLoggedIn(token: string): Promise<boolean> {
    return (await app.request('GET', '/api/v1/auth/me', { token })).status === 200;
  }
});

describe('a password change', () => {
  let app: Continued;
  beforeAll(async () => {
    app = await startAuthApp();
  });
  afterAll(() => app.close());

  it('ends the other sessions of the user and keeps this one', async () => {
    const token = await app.user('jdoe');
    const other = await app.login('jdoe', 'password of jdoe');
    expect((await app.request('GET', '/api/v1/auth/me', { token: other })).body.passwordChangeRequired).toBe(true);

    const body = { currentPassword: 'password of jdoe', newPassword: 'eight dry donkeys' };
    expect((await app.request('POST', '/api/v1/auth/password', { token, body })).status).toBe(204);

    expect((await app.request('GET', '/api/v1/auth/me', { token: other })).status).toBe(401);
    expect((await app.request('GET', '/api/v1/auth/me', { token })).body.passwordChangeRequired).toBe(false);
    await expect(app.login('jdoe', 'password of jdoe')).rejects.toThrow('401');
    await expect(app.login('jdoe', 'eight dry donkeys')).resolves.toMatch(/^dms_/);
    expect(await app.eventTypes('user.password')).toContain('user.password-changed');
  });

  it.each([
    ['a wrong present one', { currentPassword: 'wrong', newPassword: 'something else' }, 403, 'PASSWORD_WRONG'],
    ['a short one', { currentPassword: 'password of mroe', newPassword: 'short' }, 422, 'PASSWORD_REFUSED'],
    [
      'the same one',
      { currentPassword: 'password of mroe', newPassword: 'password of mroe' },
      422,
      'PASSWORD_UNCHANGED',
    ],
    ['a huge one', { currentPassword: 'x', newPassword: 'ab'.repeat(5000) }, 422, 'VALIDATION_FAILED'],
  ])('is refused with %s', async (_, body, status, code) => {
    const token = await app.login('mroe', 'password of mroe').catch(() => app.user('mroe'));

    const answer = await app.request('POST', '/api/v1/auth/password', { token, body });

    expect(answer).toMatchObject({ status, body: { code } });
    expect(JSON.stringify(answer.body)).not.toContain(body.newPassword);
  });

  it('needs a session: a token that leaked must not lock its owner out', async () => {
    const session = await app.user('robot');
    const { body } = await app.request('POST', '/api/v1/tokens', { token: session, body: { name: 'x' } });

    const answer = await app.request('POST', '/api/v1/auth/password', {
      token: body.token,
      body: { currentPassword: 'password of robot', newPassword: 'eight dry donkeys' },
    });

    expect(answer).toMatchObject({ status: 403, body: { code: 'SESSION_REQUIRED' } });
  });
});
