import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Rows that wait are listed by what they wait for; those that a worker has in hand, and those at their end, are in none of
 * these lists. So the end of a file, the most frequent change of all, touches no index, and fits into the row's own page
 * (a heap-only update): half the price, and half the size of the indexes that remain.
 */
export class ListWaitingRows1790000017000 implements MigrationInterface {
  name = 'ListWaitingRows1790000017000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX ledger_open, ledger_open_of_acquisition, ledger_deferred, ledger_quarantined`);
    await runner.query(`ALTER TABLE ledger SET (fillfactor = 48)`);
    await runner.query(`
      ALTER TABLE ledger ADD COLUMN waits_for text COLLATE "C" GENERATED ALWAYS AS (
        CASE WHEN state IN ('done', 'skipped', 'cancelled') THEN NULL
          WHEN state = 'quarantined' THEN 'person'
          WHEN claimed_by IS NOT NULL THEN NULL
          WHEN state IN ('seen', 'settling') THEN 'quiet'
          WHEN state = 'deferred' THEN 'look'
          ELSE 'work' END) STORED`);
    await runner.query(`CREATE INDEX ledger_due ON ledger (priority, due_at, id) WHERE waits_for = 'work'`);
    await runner.query(`CREATE INDEX ledger_waiting ON ledger (acquisition_id, id) WHERE waits_for IS NOT NULL`);
    await runner.query(`CREATE INDEX ledger_deferred ON ledger (acquisition_id, id) WHERE waits_for = 'look'`);
    await runner.query(`CREATE INDEX ledger_quarantined ON ledger (experiment_id) WHERE waits_for = 'person'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX ledger_due, ledger_waiting, ledger_deferred, ledger_quarantined`);
    await runner.query(`ALTER TABLE ledger DROP COLUMN waits_for`);
    await runner.query(`ALTER TABLE ledger SET (fillfactor = 80)`);
    await runner.query(`
      CREATE INDEX ledger_open ON ledger (priority, due_at, id)
        WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined')`);
    await runner.query(`
      CREATE INDEX ledger_open_of_acquisition ON ledger (acquisition_id, id)
        WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined')`);
    await runner.query(`
      CREATE INDEX ledger_deferred ON ledger (acquisition_id, id) WHERE state = 'deferred'`);
    await runner.query(`CREATE INDEX ledger_quarantined ON ledger (experiment_id) WHERE state = 'quarantined'`);
  }
}
