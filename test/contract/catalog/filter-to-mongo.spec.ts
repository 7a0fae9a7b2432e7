import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filesOf, filterOf, PLAIN, plainMatches, referenceMatches } from './filter-cases.js';

describe('the translation of filters to MongoDB, evaluated without a server', () => {
  it('selects what mingo, an independent evaluator, selects by the filter as it was written', () => {
    fc.assert(
      fc.property(filesOf(PLAIN, 20), filterOf(PLAIN), (files, filter) => {
        expect(referenceMatches(filter, files)).toEqual(plainMatches(filter, files));
      }),
      { numRuns: 1000 },
    );
  });
});
