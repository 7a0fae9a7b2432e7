import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What every file pays for: no foreign keys that look the same two rows up for each, and an order by priority. */
export class LightenLedger1790000010020 implements MigrationInterface {
  name = 'LightenLedger1790000010020';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE ledger DROP CONSTRAINT ledger_experiment_id_fkey, DROP CONSTRAINT ledger_acquisition_id_fkey,
        ADD COLUMN priority smallint NOT NULL DEFAULT 2`);
    // An experiment's deletion cascades to its acquisitions, and from there to their rows.
    await runner.query(`
      CREATE FUNCTION forget_rows_of_acquisitions() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        DELETE FROM ledger WHERE acquisition_id IN (SELECT id FROM gone);
        RETURN NULL;
      END $$`);
    await runner.query(`
      CREATE TRIGGER acquisition_forgets_rows AFTER DELETE ON acquisition
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_rows_of_acquisitions()`);
    await runner.query(`DROP INDEX ledger_open, ledger_open_of_acquisition`);
    await runner.query(`
      CREATE INDEX ledger_open ON ledger (priority, due_at, id)
        WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined')`);
    await runner.query(`
      CREATE INDEX ledger_open_of_acquisition ON ledger (acquisition_id, id)
        WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX ledger_open, ledger_open_of_acquisition`);
    await runner.query(`
      CREATE INDEX ledger_open ON ledger (due_at)
        WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined')`);
    await runner.query(`
      CREATE INDEX ledger_open_of_acquisition ON ledger (acquisition_id)
        WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined')`);
    await runner.query(`DROP TRIGGER acquisition_forgets_rows ON acquisition`);
    await runner.query(`DROP FUNCTION forget_rows_of_acquisitions()`);
    await runner.query(`
      ALTER TABLE ledger DROP COLUMN priority,
        ADD CONSTRAINT ledger_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES experiment (id) ON DELETE CASCADE,
        ADD CONSTRAINT ledger_acquisition_id_fkey FOREIGN KEY (acquisition_id) REFERENCES acquisition (id)
          ON DELETE CASCADE`);
  }
}
