import type { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { METRICS } from '../../src/platform/metrics/index.js';
import { type Answer, type Continued, startAuthApp } from './auth.app.js';

const LIMITS = {
  loginAttemptsPerUserAndAddress: 3,
  loginAttemptsPerUser: 100,
  loginAttemptsPerAddress: 6,
  loginWindowSeconds: 600,
};

describe('guessing passwords', () => {
  let app: Continued;
  beforeEach(async () => {
    app = await startAuthApp({ auth: LIMITS });
    await app.user('jdoe');
    await app.user('mroe');
  });
  afterEach(() => app.close());

  it('ends in a wait that names its length, for the right password as well', async () => {
    const codes = await attempts('jdoe', ['a', 'b', 'c', 'd']);
    expect(codes).toEqual(['LOGIN_FAILED', 'LOGIN_FAILED', 'LOGIN_FAILED', 'TOO_MANY_ATTEMPTS']);

    const answer = await login('jdoe', 'password of jdoe');
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(500);
    expect(answer.body.details.retryAfterSeconds).toBeLessThanOrEqual(600);
    expect((await login('mroe', 'password of mroe')).status).toBe(200);
  });

  it('gets no new attempts from a restart', async () => {
    await attempts('jdoe', ['a', 'b', 'c']);
    await app.stop();
    app = await startAuthApp({ auth: LIMITS, after: app });

    expect((await login('jdoe', 'password of jdoe')).body.code).toBe('TOO_MANY_ATTEMPTS');
  });

  it('is possible again when the window is over', async () => {
    await attempts('jdoe', ['a', 'b', 'c', 'd']);
    await app.database.query(`UPDATE login_attempt SET window_ends_at = now()`);

    expect((await login('jdoe', 'password of jdoe')).status).toBe(200);
  });

  it('is forgotten after a success, so that slips do not add up', async () => {
    await attempts('jdoe', ['a', 'b']);
    expect((await login('jdoe', 'password of jdoe')).status).toBe(200);

    expect(await attempts('jdoe', ['a', 'b', 'c', 'd'])).toEqual([
      'LOGIN_FAILED',
      'LOGIN_FAILED',
      'LOGIN_FAILED',
      'TOO_MANY_ATTEMPTS',
    ]);
  });

  it('of many users from one address is limited, too, whether they exist or not', async () => {
    const codes: string[] = [];
    for (const name of ['u1', 'u2', 'u3', 'mroe', 'u5', 'u6', 'u7']) {
      codes.push(...(await attempts(name, ['a'])));
    }

    expect(codes.slice(0, 6)).toEqual(Array(6).fill('LOGIN_FAILED'));
    expect(codes[6]).toBe('TOO_MANY_ATTEMPTS');
  });

  it('in parallel gives no more attempts than one after the other', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => login('jdoe', `guess ${index}`)));

    const codes = answers.map((answer) => answer.body.code as string);
    expect(codes.filter((code) => code === 'LOGIN_FAILED')).toHaveLength(3);
    expect(codes.filter((code) => code === 'TOO_MANY_ATTEMPTS')).toHaveLength(17);
  });

  it('shows in the metrics, without a name', async () => {
    await attempts('jdoe', ['a', 'b', 'c', 'd', 'e']);

    const metrics = await app.app.get<Registry>(METRICS).getSingleMetricAsString('dm_auth_logins_total');
    expect(metrics).toContain('dm_auth_logins_total{outcome="failed"} 3');
    expect(metrics).toContain('dm_auth_logins_total{outcome="limited"} 2');
    expect(metrics).not.toContain('jdoe');
  });

  it('does not hinder many right logins at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => login('jdoe', 'password of jdoe')));

    expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(200));
  });

  it('of the present password is limited by the same counter', async () => {
    const token = await app.login('jdoe', 'password of jdoe');
    const codes: string[] = [];
    for (const currentPassword of ['a', 'b', 'c', 'd']) {
      const body = { currentPassword, newPassword: 'eight dry donkeys' };
      codes.push((await app.request('POST', '/api/v1/auth/password', { token, body })).body.code as string);
    }

    expect(codes).toEqual(['PASSWORD_WRONG', 'PASSWORD_WRONG', 'PASSWORD_WRONG', 'TOO_MANY_ATTEMPTS']);
  });

  it.each([
    ['an empty body', {}],
    ['other types', { username: { $ne: null }, password: ['x'] }],
    ['a huge name', { username: 'x'.repeat(10_000), password: 'x' }],
    ['a huge password', { username: 'jdoe', password: 'x'.repeat(50_000) }],
    ['more than was asked for', { username: 'jdoe', password: 'x', isAdministrator: true }],
  ])('is no way to make work: %s is refused before anything is looked up', async (_, body) => {
    const answer = await app.request('POST', '/api/v1/auth/login', { body });

    expect(answer).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED' } });
    expect(await app.database.query(`SELECT 1 FROM login_attempt WHERE attempts > 0`)).toHaveLength(0);
  });

  it.each(["jdoe' OR '1'='1", 'jdoe\u0000', '../admin', 'größe', '\u{1F511}'])(
    'as %j fails like any other name',
    async (username) => {
      expect((await login(username, 'x')).body.code).toBe('LOGIN_FAILED');
    },
  );

  it('tells nobody whether a user is unknown, disabled or without password', async () => {
    const token = await app.admin();
    await app.request('PATCH', '/api/v1/users/mroe', { token, body: { disabled: true } });
    await app.request('POST', '/api/v1/users', { token, body: { username: 'visitor' } });

    const answers = [
      await login('nobody', 'password of mroe'),
      await login('mroe', 'password of mroe'),
      await login('visitor', 'password of mroe'),
      await login('jdoe', 'password of mroe'),
    ];

    expect(new Set(answers.map(({ status, body }) => `${status} ${body.code} ${body.detail}`)).size).toBe(1);
  });

  function login(username: string, password: string): Promise<Answer> {
    return app.request('POST', '/api/v1/auth/login', { body: { username, password } });
  }

  async function attempts(username: string, passwords: string[]): Promise<string[]> {
    const codes: string[] = [];
    for (const password of passwords) {
      codes.push((await login(username, password)).body.code as string);
    }
    return codes;
  }
});
