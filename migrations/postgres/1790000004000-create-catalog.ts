import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateCatalog1790000004000 implements MigrationInterface {
  name = 'CreateCatalog1790000004000';

  async up(runner: QueryRunner): Promise<void> {
    // Text orders by bytes, as in MongoDB. A path may have 4 KB and more in its text form, an index entry may not.
    await runner.query(`
      CREATE TABLE catalog_file (
        id bytea PRIMARY KEY CHECK (octet_length(id) = 12),
        experiment_id integer NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
        path text COLLATE "C" NOT NULL,
        path_hash bytea NOT NULL CHECK (octet_length(path_hash) = 32),
        name text COLLATE "C" NOT NULL,
        version integer NOT NULL CHECK (version > 0),
        size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
        md5_sum text COLLATE "C",
        created_at timestamptz(3) NOT NULL,
        modified_at timestamptz(3) NOT NULL,
        stored_at timestamptz(3) NOT NULL,
        acquisition_id text COLLATE "C",
        job_id text COLLATE "C",
        ledger_id text COLLATE "C",
        replicas jsonb NOT NULL,
        metadata jsonb NOT NULL,
        revision integer NOT NULL DEFAULT 1,
        updated_at timestamptz(3) NOT NULL
      )`);
    await runner.query(`CREATE UNIQUE INDEX catalog_file_version ON catalog_file (experiment_id, path_hash, version)`);
    await runner.query(`CREATE INDEX catalog_file_newest ON catalog_file (experiment_id, stored_at, id)`);
    await runner.query(`CREATE INDEX catalog_file_size ON catalog_file (experiment_id, size_bytes, id)`);
    await runner.query(
      `CREATE INDEX catalog_file_acquisition ON catalog_file (experiment_id, acquisition_id, stored_at, id)`,
    );
    await runner.query(`CREATE INDEX catalog_file_metadata ON catalog_file USING gin (metadata jsonb_path_ops)`);
    // Smallest and largest are read from the index on size. Squares of sizes need more than 64 bits.
    await runner.query(`
      CREATE TABLE catalog_counter (
        experiment_id integer PRIMARY KEY REFERENCES experiment (id) ON DELETE CASCADE,
        count_files bigint NOT NULL DEFAULT 0,
        total_bytes numeric(40) NOT NULL DEFAULT 0,
        sum_of_squares numeric(80) NOT NULL DEFAULT 0
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE catalog_counter, catalog_file`);
  }
}
