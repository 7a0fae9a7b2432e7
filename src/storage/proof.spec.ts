import { describe, expect, it } from 'vitest';
import { isVerified, justifiesDeletion, PROOFS } from './proof.js';

describe('proof of a replica', () => {
  it('is verified only where the content was read back', () => {
    expect(PROOFS.filter(isVerified)).toEqual(['read-back', 'read-back-unsynced']);
  });

  it('lets a source be deleted only for a copy that survives a loss of power', () => {
    expect(PROOFS.filter(justifiesDeletion)).toEqual(['read-back']);
  });
});
