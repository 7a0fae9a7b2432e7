import { describe, expect, it } from 'vitest';
import { requestSecret } from './request-credential.js';
import { newSecret, secretKindOf, sha256Of } from './secret.js';

describe(requestSecret.name, () => {
  it.each([
    [{ authorization: 'Bearer abc' }, 'abc'],
    [{ authorization: 'bearer   abc ' }, 'abc'],
    [{ cookie: 'dm_session=abc' }, 'abc'],
    [{ cookie: 'theme=dark; dm_session=abc; expires=Mon, 22 Sep 2036 12:00:00 GMT; Path=/' }, 'abc'],
    [{ authorization: 'Bearer abc', cookie: 'dm_session=xyz' }, 'abc'],
    [{ cookie: 'xdm_session=abc; dm_sessionx=abc' }, null],
    [{}, null],
  ])('finds in %j: %s', (headers, expected) => {
    expect(requestSecret(headers)).toBe(expected);
  });

  it.each(['Basic YTpi', 'Bearer', 'Bearer a b', ''])(
    'takes the header %j for a worthless credential instead of falling back to the cookie',
    (authorization) => {
      expect(requestSecret({ authorization, cookie: 'dm_session=abc' })).toBe('');
    },
  );
});

describe(secretKindOf.name, () => {
  it('knows its own kinds of secrets', () => {
    expect(secretKindOf(newSecret('session').text)).toBe('session');
    expect(secretKindOf(newSecret('token').text)).toBe('token');
  });

  it.each(['', 'dms_', 'dmx_' + 'a'.repeat(43), 'dmt_' + 'a'.repeat(44), 'dmt_' + 'ä'.repeat(43), 'a'.repeat(10_000)])(
    'refuses %j before anybody looks it up',
    (text) => {
      expect(secretKindOf(text)).toBeNull();
    },
  );
});

describe(newSecret.name, () => {
  it('gives 256 random bits, and what is stored does not hold them', () => {
    const secret = newSecret('token');

    expect(secret.text).toMatch(/^dmt_[A-Za-z0-9_-]{43}$/);
    expect(secret.sha256.equals(sha256Of(secret.text))).toBe(true);
    expect(newSecret('token').text).not.toBe(secret.text);
  });
});
