import { beforeEach, describe, expect, it } from 'vitest';
import { principalWith } from '../principal.js';
import type { Identity } from './identity.js';
import { IdentityCache } from './identity-cache.js';

describe(IdentityCache.name, () => {
  let nowMs = 0;
  let cache: IdentityCache;

  beforeEach(() => {
    nowMs = 1_000_000;
    cache = new IdentityCache(5_000, () => nowMs);
  });

  it('believes an identity for its time and no longer', () => {
    const identity = anIdentity(1);
    cache.put('a', identity, cache.epoch);

    nowMs += 4_999;
    expect(cache.get('a')).toBe(identity);
    nowMs += 1;
    expect(cache.get('a')).toBeUndefined();
  });

  it('never believes an identity beyond the expiry of its credential', () => {
    cache.put('a', anIdentity(1, nowMs + 100), cache.epoch);

    nowMs += 100;
    expect(cache.get('a')).toBeUndefined();
  });

  it('forgets all credentials of a changed user and those of nobody else', () => {
    cache.put('a', anIdentity(1), cache.epoch);
    cache.put('b', anIdentity(1), cache.epoch);
    cache.put('c', anIdentity(2), cache.epoch);

    cache.forgetUser(1);

    expect(['a', 'b', 'c'].map((key) => cache.get(key)?.principal.userId)).toEqual([undefined, undefined, 2]);
  });

  it('does not keep what was looked up before a change', () => {
    const { epoch } = cache;
    cache.forgetUser(1);
    cache.put('a', anIdentity(1), epoch);

    expect(cache.get('a')).toBeUndefined();
  });

  it('keeps nothing when caching is switched off', () => {
    const off = new IdentityCache(0, () => nowMs);
    off.put('a', anIdentity(1), off.epoch);

    expect(off.get('a')).toBeUndefined();
  });

  it('stays bounded', () => {
    for (let index = 0; index <= 10_000; index += 1) {
      cache.put(String(index), anIdentity(index), cache.epoch);
    }

    expect(cache.get('0')).toBeUndefined();
    expect(cache.get('10000')?.principal.userId).toBe(10_000);
  });
});

function anIdentity(userId: number, expiresAtMs = Number.MAX_SAFE_INTEGER): Identity {
  return {
    principal: principalWith('user', { id: userId, username: `u${userId}` }, []),
    credential: { kind: 'session', id: userId },
    expiresAt: new Date(Math.min(expiresAtMs, 8.64e15)),
  };
}
