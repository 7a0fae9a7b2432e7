import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Readers that a beamline defines, and what it set for the built-in ones. Few rows, read as a whole. */
export class CreateMetadataReader1790000020050 implements MigrationInterface {
  name = 'CreateMetadataReader1790000020050';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE metadata_reader (
        name text PRIMARY KEY,
        is_enabled boolean NOT NULL,
        read_order integer NOT NULL,
        formats text[] NOT NULL,
        files text[] NOT NULL,
        command text[],
        environment jsonb NOT NULL,
        timeout_seconds integer NOT NULL CHECK (timeout_seconds > 0),
        memory_megabytes integer NOT NULL CHECK (memory_megabytes > 0),
        updated_by text NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE metadata_reader`);
  }
}
