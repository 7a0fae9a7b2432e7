import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddAcquisitionControl1790000014030 implements MigrationInterface {
  name = 'AddAcquisitionControl1790000014030';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE acquisition
        ADD COLUMN resumes uuid REFERENCES acquisition (id) ON DELETE SET NULL,
        ADD COLUMN stopped_by text,
        ADD COLUMN cleared_at timestamptz`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE acquisition DROP COLUMN resumes, DROP COLUMN stopped_by, DROP COLUMN cleared_at`);
  }
}
