import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/database/index.js';
import { EventLog, type NewEvent } from '../../platform/events/index.js';
import { PRIMARY, ReplicaRepository } from '../../storage/index.js';
import { LedgerClaims } from '../ledger/ledger-claims.js';
import type { FileOutcome } from './file-outcome.js';

/** Writes down what became of files: rows, replicas and events in one transaction, so that they agree. */
@Injectable()
export class OutcomeRecords {
  constructor(
    private readonly database: Database,
    private readonly claims: LedgerClaims,
    private readonly replicas: ReplicaRepository,
    private readonly events: EventLog,
  ) {}

  /** Of rows that this run of the station has claimed. */
  async write(outcomes: readonly FileOutcome[]): Promise<void> {
    if (outcomes.length > 0) {
      await this.database.transaction((tx) => this.writeIn(tx, outcomes, this.claims.claimant));
    }
  }

  /** Of rows that `claimant` had claimed; those that are not its own any more stay. Answers how many were. */
  async writeLate(outcomes: readonly FileOutcome[], claimant: string): Promise<number> {
    return this.database.transaction(async (tx) => {
      const held = await this.claims.stillHeld(
        tx,
        outcomes.map((outcome) => outcome.row.id),
        claimant,
      );
      const own = outcomes.filter((outcome) => held.has(outcome.row.id));
      await this.writeIn(tx, own, claimant);
      return own.length;
    });
  }

  private async writeIn(tx: Transaction, outcomes: readonly FileOutcome[], claimant: string): Promise<void> {
    for (const { row, otherSourceOf, displaced } of outcomes) {
      if (otherSourceOf !== null) {
        await this.claims.addOtherSource(tx, otherSourceOf, row);
      }
      for (const { ledgerId, to } of displaced) {
        await (to === null
          ? this.replicas.forget(tx, ledgerId, PRIMARY)
          : this.replicas.move(tx, ledgerId, PRIMARY, to));
      }
    }
    await this.replicas.record(
      tx,
      outcomes.flatMap((outcome) => outcome.replicas),
    );
    for (const keepClaim of [true, false]) {
      const changes = outcomes.filter((outcome) => outcome.keepsClaim === keepClaim).map((outcome) => outcome.change);
      await this.claims.apply(tx, changes, { keepClaim, claimant });
    }
    await this.events.append(tx, [...outcomes.flatMap((outcome) => outcome.events), ...doneEvents(outcomes)]);
  }
}

/** One event per acquisition and batch, never one per file. */
function doneEvents(outcomes: readonly FileOutcome[]): NewEvent[] {
  const done = outcomes.filter((outcome) => outcome.change.state === 'done').map((outcome) => outcome.row);
  return [...Map.groupBy(done, (row) => row.acquisitionId)].map(([acquisitionId, rows]) => ({
    type: 'files.done',
    experimentId: rows[0]?.experimentId ?? null,
    subject: acquisitionId,
    data: { acquisitionId, count: rows.length, ledgerIds: rows.map((row) => row.id) },
  }));
}
