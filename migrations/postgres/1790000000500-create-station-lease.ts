import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who uses this database: written by the session that holds the lease, read by a second starter. */
export class CreateStationLease1790000000500 implements MigrationInterface {
  name = 'CreateStationLease1790000000500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE station_lease (
        id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
        token uuid NOT NULL,
        backend_pid int NOT NULL,
        host text NOT NULL,
        pid int NOT NULL,
        data_directory text NOT NULL,
        url text,
        since timestamptz NOT NULL,
        renewed_at timestamptz NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE station_lease');
  }
}
