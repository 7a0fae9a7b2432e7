import { describe, expect, it } from 'vitest';
import { assertOwnOrigin } from './origin-check.js';

const HOST = 'station.example.org:22236';
const ALLOWED = ['https://portal.example.org'];

describe(assertOwnOrigin.name, () => {
  it.each([
    ['the station itself', { method: 'POST', headers: { host: HOST, origin: `http://${HOST}` } }],
    ['the station itself by https', { method: 'DELETE', headers: { host: HOST, origin: `https://${HOST}` } }],
    ['an allowed origin', { method: 'POST', headers: { host: HOST, origin: 'https://portal.example.org' } }],
    ['a client that is no browser', { method: 'POST', headers: { host: HOST } }],
    ['a page that only reads', { method: 'GET', headers: { host: HOST, origin: 'https://evil.example' } }],
    [
      'a page that was given a token',
      { method: 'POST', headers: { host: HOST, origin: 'https://evil.example', authorization: 'Bearer x' } },
    ],
  ])('lets %s pass', (_, request) => {
    expect(() => assertOwnOrigin(request, ALLOWED)).not.toThrow();
  });

  it.each([
    'https://evil.example',
    'http://station.example.org:8080',
    'http://station.example.org.evil.example:22236',
    'null',
    'nonsense',
    'https://portal.example.org.evil.example',
  ])('refuses changes that a page of %s asks for', (origin) => {
    expect(() => assertOwnOrigin({ method: 'POST', headers: { host: HOST, origin } }, ALLOWED)).toThrow(
      expect.objectContaining({ kind: 'forbidden', code: 'CROSS_ORIGIN_REQUEST' }),
    );
  });
});
