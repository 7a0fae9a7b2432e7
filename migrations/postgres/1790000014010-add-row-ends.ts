import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What becomes of a file version after it is done: processed again, its source removed, itself deleted by a person. */
export class AddRowEnds1790000014010 implements MigrationInterface {
  name = 'AddRowEnds1790000014010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE ledger
        ADD COLUMN reprocesses bigint,
        ADD COLUMN source_removed_at timestamptz,
        ADD COLUMN deleted_at timestamptz`);
    await runner.query(`
      CREATE TABLE source_removal (
        ledger_id bigint PRIMARY KEY REFERENCES ledger (id) ON DELETE CASCADE,
        acquisition_id uuid NOT NULL,
        due_at timestamptz NOT NULL,
        begun_at timestamptz,
        outcome text CHECK (outcome IN ('removed', 'kept')),
        reason_code text,
        reason text,
        decided_at timestamptz
      )`);
    await runner.query(`CREATE INDEX source_removal_due ON source_removal (due_at) WHERE outcome IS NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE source_removal`);
    await runner.query(`
      ALTER TABLE ledger DROP COLUMN reprocesses, DROP COLUMN source_removed_at, DROP COLUMN deleted_at`);
  }
}
