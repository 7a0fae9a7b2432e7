import { Injectable } from '@nestjs/common';
import type { Sql } from '../platform/database/index.js';

/** A reason not to delete an experiment now. */
export interface UsageFinding {
  /** `active`: work under way, never deleted under it. `contents`: things that go with the experiment; may be forced. */
  kind: 'active' | 'contents';
  /** Completes "The experiment has …": `a running acquisition 66f0…`, `1204 cataloged files`. */
  what: string;
}

/**
 * Answers what of the checking module's belongs to the experiment. It runs in the deleting transaction, which holds the
 * experiment's row: whatever is inserted with a foreign key to it has been committed by now or waits and then fails.
 */
export type UsageCheck = (experimentId: number, sql: Sql) => Promise<readonly UsageFinding[]>;

/** Where modules that experiments does not know (daq, processing, catalog) say that an experiment is in use. */
@Injectable()
export class ExperimentUsage {
  private readonly checks: UsageCheck[] = [];

  /** To be called once by each such module while the application starts. */
  register(check: UsageCheck): void {
    this.checks.push(check);
  }

  async findings(experimentId: number, sql: Sql): Promise<UsageFinding[]> {
    const findings: UsageFinding[] = [];
    for (const check of this.checks) {
      // One after the other: they share one connection.
      findings.push(...(await check(experimentId, sql)));
    }
    return findings;
  }
}
