import type { ExperimentRole } from '../principal.js';

/** Injection token of {@link Membership}. A global module outside of auth provides it (experiments does). */
export const MEMBERSHIP = Symbol('Membership');

/**
 * Who belongs to which experiment: asked by access decisions, answered by whoever keeps the members.
 *
 * Obligations: an answer reflects every change that was committed before the question; unknown users and experiments
 * are nobody's members, not errors; answering asks nothing of {@link AccessService} (it would ask back).
 */
export interface Membership {
  roleOf(userId: number, experimentId: number): Promise<ExperimentRole | null>;
  /** Ids of all experiments that the user belongs to, in no particular order. */
  experimentsOf(userId: number): Promise<readonly number[]>;
}
