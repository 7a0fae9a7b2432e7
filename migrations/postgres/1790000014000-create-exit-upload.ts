import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateExitUpload1790000014000 implements MigrationInterface {
  name = 'CreateExitUpload1790000014000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE acquisition
        ADD COLUMN on_exit_of uuid REFERENCES acquisition (id) ON DELETE SET NULL,
        ADD COLUMN exit_upload jsonb`);
    // One upload at the end of a monitor, however often its end is told.
    await runner.query(`CREATE UNIQUE INDEX acquisition_on_exit_of ON acquisition (on_exit_of)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE acquisition DROP COLUMN on_exit_of, DROP COLUMN exit_upload`);
  }
}
