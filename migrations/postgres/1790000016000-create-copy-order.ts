import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Copies that are still to be made at destinations other than the primary one. A copy that is made has a replica instead. */
export class CreateCopyOrder1790000016000 implements MigrationInterface {
  name = 'CreateCopyOrder1790000016000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE copy_order (
        ledger_id bigint NOT NULL REFERENCES ledger (id) ON DELETE CASCADE,
        destination text NOT NULL,
        acquisition_id uuid NOT NULL,
        experiment_id integer NOT NULL,
        size_bytes bigint NOT NULL,
        is_backlog boolean NOT NULL,
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'copying', 'failed', 'quarantined')),
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT now(),
        claimed_by uuid,
        reason_code text,
        reason text,
        found_md5_sum text,
        ordered_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (ledger_id, destination)
      )`);
    await runner.query(`
      CREATE INDEX copy_order_due ON copy_order (destination, is_backlog, due_at, ledger_id)
        WHERE state IN ('waiting', 'failed')`);
    await runner.query(`CREATE INDEX copy_order_of_acquisition ON copy_order (acquisition_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE copy_order`);
  }
}
