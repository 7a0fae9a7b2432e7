import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What file system files come from, and what its clock said when the acquisition started. */
export class DescribeSourceOfAcquisition1790000012000 implements MigrationInterface {
  name = 'DescribeSourceOfAcquisition1790000012000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE acquisition ADD COLUMN source_file_system text, ADD COLUMN source_clock_ns bigint`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE acquisition DROP COLUMN source_file_system, DROP COLUMN source_clock_ns`);
  }
}
