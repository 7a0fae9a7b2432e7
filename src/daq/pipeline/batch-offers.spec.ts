import { describe, expect, it } from 'vitest';
import { BACKLOG, FRESH } from '../ledger/ledger-row.js';
import { BatchOffers } from './batch-offers.js';

/** Room is counted without asking anybody. */
function someOffers(): BatchOffers {
  return new BatchOffers(...([] as unknown as ConstructorParameters<typeof BatchOffers>));
}

describe(BatchOffers.name, () => {
  it('keeps a quarter of its room for fresh rows, however much backlog there is', () => {
    const offers = someOffers();
    let backlog = 0;
    while (offers.reserve(1000, BACKLOG)) {
      backlog += 1000;
    }
    expect(backlog).toBe(15_000);
    expect(offers.reserve(5000, FRESH)).toBe(true);
    expect(offers.reserve(1, FRESH)).toBe(false);
    offers.letGo(6000);
    expect(offers.reserve(1000, BACKLOG)).toBe(true);
    expect(offers.reserve(1, BACKLOG)).toBe(false);
  });
});
