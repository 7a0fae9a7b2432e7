import type { Identity } from './identity.js';

/** Bounds memory, not correctness: whoever falls out is looked up again. */
const MAX_ENTRIES = 10_000;

interface Entry {
  identity: Identity;
  believedUntilMs: number;
}

/**
 * Looked-up callers, believed for a short while. Changes made by this process take effect at once through
 * {@link forgetUser}; a lookup that began before such a change is not kept (that is what `epoch` is for).
 */
export class IdentityCache {
  private readonly entries = new Map<string, Entry>();
  private changes = 0;

  constructor(
    private readonly ttlMs: number,
    private readonly now: () => number = Date.now,
  ) {}

  /** Take it before looking up, hand it to {@link put}. */
  get epoch(): number {
    return this.changes;
  }

  get(key: string): Identity | undefined {
    const entry = this.entries.get(key);
    if (entry !== undefined && entry.believedUntilMs <= this.now()) {
      this.entries.delete(key);
      return undefined;
    }
    return entry?.identity;
  }

  put(key: string, identity: Identity, epoch: number): void {
    if (this.ttlMs === 0 || epoch !== this.changes) {
      return;
    }
    this.entries.delete(key);
    this.entries.set(key, {
      identity,
      believedUntilMs: Math.min(this.now() + this.ttlMs, identity.expiresAt.getTime()),
    });
    const oldest = this.entries.keys().next();
    if (this.entries.size > MAX_ENTRIES && oldest.done !== true) {
      this.entries.delete(oldest.value);
    }
  }

  /** Roles, account state, password, sessions or tokens of this user changed. */
  forgetUser(userId: number): void {
    this.changes += 1;
    for (const [key, { identity }] of this.entries) {
      if (identity.principal.userId === userId) {
        this.entries.delete(key);
      }
    }
  }
}
