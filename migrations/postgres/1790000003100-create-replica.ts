import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateReplica1790000003100 implements MigrationInterface {
  name = 'CreateReplica1790000003100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE replica (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        ledger_id bigint NOT NULL REFERENCES ledger (id) ON DELETE CASCADE,
        experiment_id integer NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
        path bytea NOT NULL,
        path_key bytea GENERATED ALWAYS AS (sha256(path)) STORED,
        md5_sum text NOT NULL,
        size_bytes bigint NOT NULL,
        proof text NOT NULL,
        verified_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (ledger_id, path_key)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE replica`);
  }
}
