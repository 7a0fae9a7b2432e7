import { describe, expect, it } from 'vitest';
import { PasswordHasher } from './password-hasher.js';
import { assertGoodPassword } from './password-rules.js';

describe(assertGoodPassword.name, () => {
  it.each(['12345678', 'correct horse battery staple', 'пароль-пароль', '🔑🗝️🔐🔒🔓🛡️🪪🚪'])(
    'accepts %s',
    (password) => {
      expect(() => assertGoodPassword(password, 'jdoe', 8)).not.toThrow();
    },
  );

  it.each([
    ['1234567', /at least 8/],
    ['🔑🔑🔑🔑', /at least 8/],
    ['jane.doe', /username/],
    ['JANE.DOE', /username/],
    ['aaaaaaaaaa', /repeat/],
    ['ab'.repeat(1000), /at most/],
  ])('refuses %s and says why, but not what it was', (password, reason) => {
    const refuse = (): void => assertGoodPassword(password, 'jane.doe', 8);

    expect(refuse).toThrow(reason);
    expect(refuse).toThrow(expect.objectContaining({ kind: 'invalid', code: 'PASSWORD_REFUSED', details: {} }));
    expect(refuse).not.toThrow(password);
  });
});

describe(PasswordHasher.name, () => {
  const hasher = new PasswordHasher();

  it('makes argon2id hashes that fit their password alone', async () => {
    const hash = await hasher.hash('seven wet horses');

    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await hasher.verify(hash, 'seven wet horses')).toBe(true);
    expect(await hasher.verify(hash, 'seven wet horse')).toBe(false);
    expect(hasher.isOutdated(hash)).toBe(false);
  });

  it('sees when a hash was made with weaker parameters', () => {
    expect(hasher.isOutdated('$argon2id$v=19$m=4096,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA')).toBe(true);
  });

  it('takes as long for users that do not exist as for those that do', async () => {
    const hash = await hasher.hash('seven wet horses');
    await hasher.verify(null, 'warm up');
    const known = await shortest(() => hasher.verify(hash, 'a guess'));
    const unknown = await shortest(() => hasher.verify(null, 'a guess'));

    // A look-up without hashing would be thousands of times faster.
    expect(unknown).toBeGreaterThan(known / 3);
    expect(await hasher.verify(null, 'no account has this password')).toBe(false);
  });
});

async function shortest(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}
