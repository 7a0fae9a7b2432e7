import { describe, expect, it } from 'vitest';
import { type ExperimentRole, principalWith, SYSTEM_PRINCIPAL } from '../principal.js';
import { AccessService } from './access.service.js';
import type { Membership } from './membership.port.js';

/** jdoe (1) is PI of experiment 7 and a user of 8. */
const MEMBERS: Record<number, Record<number, ExperimentRole>> = { 1: { 7: 'PI', 8: 'User' } };
const membership: Membership = {
  roleOf: (userId, experimentId) => Promise.resolve(MEMBERS[userId]?.[experimentId] ?? null),
  experimentsOf: (userId) => Promise.resolve(Object.keys(MEMBERS[userId] ?? {}).map(Number)),
};
const access = new AccessService(membership);
const jdoe = principalWith('user', { id: 1, username: 'jdoe' }, []);

describe(AccessService.name, () => {
  it('asks for membership of the experiment that the action is about', async () => {
    await expect(access.require(jdoe, 'experiment.update', { experimentId: 7 })).resolves.toBeUndefined();
    await expect(access.require(jdoe, 'experiment.update', { experimentId: 8 })).rejects.toMatchObject({
      kind: 'forbidden',
      code: 'FORBIDDEN',
      details: { action: 'experiment.update' },
    });
  });

  it('does not tell strangers that an experiment exists', async () => {
    await expect(access.require(jdoe, 'experiment.update', { experimentId: 9 })).rejects.toMatchObject({
      kind: 'not-found',
      code: 'EXPERIMENT_NOT_FOUND',
    });
  });

  it('answers the experiments that repositories may read for the caller', async () => {
    const operator = principalWith('token', { id: 2, username: 'daq' }, ['operator']);
    const stranger = principalWith('user', { id: 3, username: 'nobody' }, []);

    expect(await access.visibleExperiments(jdoe)).toEqual([7, 8]);
    expect(await access.visibleExperiments(operator)).toBe('all');
    expect(await access.visibleExperiments(SYSTEM_PRINCIPAL)).toBe('all');
    expect(await access.visibleExperiments(stranger)).toEqual([]);
  });
});
