import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../platform/database/index.js';
import { LedgerClaims } from '../ledger/ledger-claims.js';

/** Longer than any claim takes from its commit to the moment when this process knows of it. */
const UNTOUCHED_SECONDS = 15;
const LOOK_AFTER_MS = 20_000;

/**
 * Claims that nobody works on. A connection that breaks in a commit leaves open whether it took place: the rows may be
 * claimed although the claim was answered by an error. So after an outage what is claimed is compared with what this
 * process knows that it holds, and the rest is given back.
 */
@Injectable()
export class StrayClaims {
  private readonly logger = new Logger(StrayClaims.name);
  /** How many hold a row: a batch, and the journal that keeps its outcome. */
  private readonly held = new Map<string, number>();
  private seenOutages = 0;
  private lookAt = Number.POSITIVE_INFINITY;

  constructor(
    private readonly database: Database,
    private readonly claims: LedgerClaims,
  ) {}

  hold(ids: readonly string[]): void {
    ids.forEach((id) => this.held.set(id, (this.held.get(id) ?? 0) + 1));
  }

  letGo(ids: readonly string[]): void {
    for (const id of ids) {
      const holders = (this.held.get(id) ?? 0) - 1;
      if (holders > 0) {
        this.held.set(id, holders);
      } else {
        this.held.delete(id);
      }
    }
  }

  /** The row that this process holds for longest, if it holds any. */
  get longestHeld(): string | undefined {
    return this.held.keys().next().value;
  }

  /** To be called now and then; looks once some time after each outage. */
  async freeAfterOutage(): Promise<void> {
    if (this.database.outages !== this.seenOutages) {
      this.seenOutages = this.database.outages;
      this.lookAt = performance.now() + LOOK_AFTER_MS;
    }
    if (performance.now() < this.lookAt || !this.database.isAvailable()) {
      return;
    }
    const strays = (await this.claims.untouched(UNTOUCHED_SECONDS)).filter((id) => !this.held.has(id));
    if (strays.length > 0) {
      this.logger.warn(`${strays.length} files were claimed when the database went away, and go on now`);
      await this.claims.release(strays, 0);
    }
    this.lookAt = Number.POSITIVE_INFINITY;
  }
}
