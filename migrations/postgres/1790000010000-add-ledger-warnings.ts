import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddLedgerWarnings1790000010000 implements MigrationInterface {
  name = 'AddLedgerWarnings1790000010000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE ledger ADD COLUMN warnings jsonb`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE ledger DROP COLUMN warnings`);
  }
}
