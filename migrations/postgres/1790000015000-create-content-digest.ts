import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Further digests of a file version's content, computed when somebody asks for them. They belong to the content, not to
 * one of its copies, and most versions have none: so they are beside the ledger, whose rows are written at detector rates.
 */
export class CreateContentDigest1790000015000 implements MigrationInterface {
  name = 'CreateContentDigest1790000015000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE content_digest (
        ledger_id bigint PRIMARY KEY REFERENCES ledger (id) ON DELETE CASCADE,
        sha256_sum text NOT NULL,
        computed_at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE content_digest`);
  }
}
