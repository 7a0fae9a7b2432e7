import { createHash, randomBytes } from 'node:crypto';

export type SecretKind = 'session' | 'token';

/** Prefixes tell people (and scanners for leaked secrets) what they look at, and us where to look it up. */
const PREFIX: Record<SecretKind, string> = { session: 'dms_', token: 'dmt_' };
const SECRET = /^(dms_|dmt_)[A-Za-z0-9_-]{43}$/;

export interface NewSecret {
  /** Goes to the caller, once, and nowhere else. */
  text: string;
  /** What is stored. A plain SHA-256 is enough: 256 random bits cannot be guessed, so slow hashing would add nothing. */
  sha256: Buffer;
}

export function newSecret(kind: SecretKind): NewSecret {
  const text = PREFIX[kind] + randomBytes(32).toString('base64url');
  return { text, sha256: sha256Of(text) };
}

/** What kind of secret this is by its form; null for anything that cannot be one, without asking the database. */
export function secretKindOf(text: string): SecretKind | null {
  const prefix = SECRET.exec(text)?.[1];
  return prefix === undefined ? null : prefix === PREFIX.session ? 'session' : 'token';
}

export function sha256Of(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
