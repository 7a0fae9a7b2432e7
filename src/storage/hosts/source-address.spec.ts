import { describe, expect, it } from 'vitest';
import { parseSourceAddress } from './source-address.js';

describe('parseSourceAddress', () => {
  it.each([
    ['/data/a', { host: null, path: '/data/a' }],
    ['/data/@odd:name', { host: null, path: '/data/@odd:name' }],
    ['@detector1', { host: 'detector1', path: null }],
    ['@detector1:/data/a b', { host: 'detector1', path: '/data/a b' }],
    ['@det.beamline.org:/data/a:b', { host: 'det.beamline.org', path: '/data/a:b' }],
    ['@[fe80::1]:/data', { host: 'fe80::1', path: '/data' }],
  ])('reads %s', (text, address) => {
    expect(parseSourceAddress(text)).toEqual(address);
  });

  it.each(['@', '@:', '@:/data', '@detector1:', '@-oProxyCommand=x:/data', '@a b:/data', '@user@host:/data'])(
    'refuses %s',
    (text) => {
      expect(() => parseSourceAddress(text)).toThrow(/@alias:\/path/);
    },
  );
});
