import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Continued, startAuthApp } from './auth.app.js';

describe('API tokens', () => {
  let app: Continued;
  beforeAll(async () => {
    app = await startAuthApp({ auth: { principalCacheSeconds: 60, maxTokensPerUser: 3, tokenMaxDays: 400 } });
  });
  afterAll(() => app.close());

  it('act for their owner, are shown once and stored as digests only', async () => {
    const session = await app.user('jdoe', 'operator');

    const created = await create(session, { name: 'bluesky', expiresInDays: 90 });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ name: 'bluesky', username: 'jdoe', roles: null, lastUsedAt: null });
    expect(created.body.token).toMatch(/^dmt_[\w-]{43}$/);
    const days = (Date.parse(created.body.expiresAt) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(89.9);
    expect(days).toBeLessThan(90.1);

    const me = await app.request('GET', '/api/v1/auth/me', { token: created.body.token });
    expect(me.body).toMatchObject({ user: { username: 'jdoe' }, credential: 'token', roles: ['operator'] });

    const list = await app.request('GET', '/api/v1/tokens', { token: session });
    expect(list.body.items).toEqual([expect.objectContaining({ id: created.body.id, lastUsedAt: expect.any(String) })]);
    expect(JSON.stringify(list.body)).not.toContain(created.body.token);
    const [row] = await app.database.query<{ text: string }>(
      `SELECT concat((SELECT string_agg(t::text, ' ') FROM api_token t),
                     (SELECT string_agg(o::text, ' ') FROM event_outbox o),
                     (SELECT string_agg(e::text, ' ') FROM event e)) AS text`,
    );
    expect(row?.text).toContain('bluesky');
    expect(row?.text).not.toContain(String(created.body.token).slice(4));
  });

  it('end when they are revoked, at once', async () => {
    const session = await app.user('revoker');
    const { body } = await create(session, { name: 'x' });
    expect(await statusOf(body.token)).toBe(200);

    expect((await app.request('DELETE', `/api/v1/tokens/${body.id}`, { token: session })).status).toBe(204);

    expect(await statusOf(body.token)).toBe(401);
    expect((await app.request('GET', '/api/v1/tokens', { token: session })).body.items).toEqual([]);
    expect((await app.request('DELETE', `/api/v1/tokens/${body.id}`, { token: session })).status).toBe(404);
    expect(await app.eventTypes('token.revoked')).not.toHaveLength(0);
  });

  it('end when they expire and when their owner is disabled', async () => {
    const session = await app.user('leaver');
    const [expired, disabled] = [await create(session, { name: 'a' }), await create(session, { name: 'b' })];

    await app.database.query(`UPDATE api_token SET expires_at = now() WHERE id = $1`, [expired.body.id]);
    expect(await statusOf(expired.body.token)).toBe(401);
    expect(await statusOf(disabled.body.token)).toBe(200);

    const token = await app.admin();
    await app.request('PATCH', '/api/v1/users/leaver', { token, body: { disabled: true } });
    expect(await statusOf(disabled.body.token)).toBe(401);
  });

  it('can be restricted to some roles, and lose those that their owner loses', async () => {
    const session = await app.user('chief', 'manager', 'operator');
    const token = (await create(session, { name: 'daq', roles: ['operator'] })).body.token as string;
    expect(await rolesOf(token)).toEqual(['operator']);
    const none = (await create(session, { name: 'reader', roles: [] })).body.token as string;
    expect(await rolesOf(none)).toEqual([]);

    await app.request('DELETE', '/api/v1/users/chief/roles/operator', { token: await app.admin() });
    expect(await rolesOf(token)).toEqual([]);
    expect(await create(session, { name: 'more', roles: ['administrator'] })).toMatchObject({
      status: 422,
      body: { code: 'TOKEN_ROLE_NOT_HELD' },
    });
  });

  it('cannot make tokens, so that a restricted one cannot shed its restriction', async () => {
    const session = await app.user('climber', 'manager');
    const token = (await create(session, { name: 'reader', roles: [] })).body.token as string;

    expect(await create(token, { name: 'more' })).toMatchObject({ status: 403, body: { code: 'SESSION_REQUIRED' } });
    expect(await app.request('POST', '/api/v1/auth/logout', { token })).toMatchObject({ status: 403 });
  });

  it('are bounded in number and lifetime', async () => {
    const session = await app.user('collector');

    const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => create(session, { name })));

    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 201, 201, 409, 409]);
    expect((await create(session, { name: 'f', expiresInDays: 401 })).body.code).toBe('TOKEN_LIFETIME_TOO_LONG');
    expect((await create(session, { name: '', expiresInDays: 0 })).body.code).toBe('VALIDATION_FAILED');
  });

  it('of others cannot be seen or revoked, except by administrators, who see neither its text nor a list', async () => {
    const owner = await app.user('owner');
    const stranger = await app.user('stranger', 'manager');
    const { body } = await create(owner, { name: 'x' });

    expect((await app.request('DELETE', `/api/v1/tokens/${body.id}`, { token: stranger })).body.code).toBe(
      'TOKEN_NOT_FOUND',
    );
    expect((await app.request('GET', '/api/v1/tokens', { token: stranger })).body.items).toEqual([]);
    expect(await statusOf(body.token)).toBe(200);

    expect((await app.request('DELETE', `/api/v1/tokens/${body.id}`, { token: await app.admin() })).status).toBe(204);
    expect(await statusOf(body.token)).toBe(401);
  });

  const create = (token: string, body: unknown) => app.request('POST', '/api/v1/tokens', { token, body });
  const statusOf = async (token: string) => (await app.request('GET', '/api/v1/auth/me', { token })).status;
  const rolesOf = async (token: string) =>
    (await app.request('GET', '/api/v1/auth/me', { token })).body.roles as string[];
});
