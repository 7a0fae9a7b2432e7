import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Database } from '../../platform/database/index.js';
import type { LedgerClaims } from '../ledger/ledger-claims.js';
import { StrayClaims } from './stray-claims.js';

describe('StrayClaims', () => {
  const database = { outages: 0, isAvailable: () => true };
  const claims = { untouched: vi.fn(), release: vi.fn() };
  let strays: StrayClaims;

  beforeEach(() => {
    vi.useFakeTimers();
    database.outages = 0;
    claims.untouched.mockResolvedValue(['1', '2', '3']);
    strays = new StrayClaims(database as unknown as Database, claims as unknown as LedgerClaims);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.resetAllMocks();
  });

  async function outage(): Promise<void> {
    database.outages += 1;
    await strays.freeAfterOutage();
    vi.advanceTimersByTime(60_000);
    await strays.freeAfterOutage();
  }

  it('frees after an outage what is claimed and held by nobody', async () => {
    strays.hold(['1', '2']);
    await outage();
    expect(claims.release).toHaveBeenCalledExactlyOnceWith(['3'], 0);
  });

  it('takes a row for held until the last of its holders lets go', async () => {
    strays.hold(['1', '2', '3']);
    strays.hold(['1']);
    strays.letGo(['1', '2']);
    await outage();
    expect(claims.release).toHaveBeenCalledExactlyOnceWith(['2'], 0);
  });

  it('does not look while the database stays', async () => {
    vi.advanceTimersByTime(600_000);
    await strays.freeAfterOutage();
    expect(claims.untouched).not.toHaveBeenCalled();
  });
});
