import type { MigrationInterface, QueryRunner } from 'typeorm';

/** One copy for each row and destination. Copies at their standard place, nearly all, name no location. */
export class NarrowReplica1790000010010 implements MigrationInterface {
  name = 'NarrowReplica1790000010010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE replica RENAME TO replica_by_path`);
    await runner.query(`
      CREATE TABLE replica (
        ledger_id bigint NOT NULL,
        size_bytes bigint NOT NULL,
        verified_at timestamptz NOT NULL DEFAULT now(),
        checked_at timestamptz,
        destination text COLLATE "C" NOT NULL DEFAULT 'primary',
        proof text COLLATE "C" NOT NULL,
        md5_sum text COLLATE "C",
        location bytea,
        trouble text CHECK (trouble IN ('missing', 'damaged')),
        trouble_reason text,
        CONSTRAINT replica_of_row PRIMARY KEY (ledger_id, destination)
      )`);
    // What lay below \`system/\` of an experiment's directory keeps its place, relative to that directory from now on.
    await runner.query(`
      INSERT INTO replica (ledger_id, size_bytes, verified_at, proof, md5_sum, location)
      SELECT DISTINCT ON (old.ledger_id) old.ledger_id, old.size_bytes, old.verified_at, old.proof, old.md5_sum,
        CASE WHEN position('/system/versions/'::bytea IN old.path) > 0
          THEN substring(old.path FROM position('/system/versions/'::bytea IN old.path) + 1) END
      FROM replica_by_path old ORDER BY old.ledger_id, old.verified_at DESC`);
    await runner.query(`DROP TABLE replica_by_path`);
    // In place of a foreign key, which would look the row up again for every copy that is recorded.
    await runner.query(`
      CREATE FUNCTION forget_replicas_of_rows() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        DELETE FROM replica WHERE ledger_id IN (SELECT id FROM gone);
        RETURN NULL;
      END $$`);
    await runner.query(`
      CREATE TRIGGER ledger_forgets_replicas AFTER DELETE ON ledger
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_replicas_of_rows()`);
  }

  /** The paths stay relative to the experiments' directories: where the storage area lies is not known here. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TRIGGER ledger_forgets_replicas ON ledger`);
    await runner.query(`DROP FUNCTION forget_replicas_of_rows()`);
    await runner.query(`ALTER TABLE replica RENAME TO replica_by_destination`);
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
    await runner.query(`
      INSERT INTO replica (ledger_id, experiment_id, path, md5_sum, size_bytes, proof, verified_at)
      SELECT l.id, l.experiment_id, coalesce(r.location, l.destination_path), r.md5_sum, r.size_bytes, r.proof, r.verified_at
      FROM replica_by_destination r JOIN ledger l ON l.id = r.ledger_id
      WHERE r.destination = 'primary' AND r.md5_sum IS NOT NULL`);
    await runner.query(`DROP TABLE replica_by_destination`);
  }
}
