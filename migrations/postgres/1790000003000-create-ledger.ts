import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateLedger1790000003000 implements MigrationInterface {
  name = 'CreateLedger1790000003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE acquisition (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('monitor', 'upload')),
        experiment_id integer NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
        status text NOT NULL CHECK (status IN ('pending', 'waiting-for-source', 'running', 'source-lost',
          'finalizing', 'done', 'failed', 'aborting', 'aborted')),
        source_host text NOT NULL,
        source_directory bytea NOT NULL,
        source_device text,
        destination_directory bytea NOT NULL,
        options json NOT NULL,
        started_by text NOT NULL,
        job_id uuid,
        trigger_depth integer NOT NULL DEFAULT 0,
        ignores_existing boolean NOT NULL DEFAULT false,
        unchanged_files bigint NOT NULL DEFAULT 0,
        unchanged_bytes bigint NOT NULL DEFAULT 0,
        scan_complete boolean NOT NULL DEFAULT false,
        warnings jsonb NOT NULL DEFAULT '[]',
        error_message text,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        stop_at timestamptz,
        ended_at timestamptz
      )`);
    await runner.query(`CREATE INDEX acquisition_newest ON acquisition (created_at DESC, id)`);
    await runner.query(`CREATE INDEX acquisition_of_experiment ON acquisition (experiment_id)`);
    await runner.query(`
      CREATE INDEX acquisition_active ON acquisition (status) WHERE status NOT IN ('done', 'failed', 'aborted')`);
    await runner.query(`
      CREATE TABLE ledger (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        experiment_id integer NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
        acquisition_id uuid NOT NULL REFERENCES acquisition (id) ON DELETE CASCADE,
        destination_path bytea NOT NULL,
        destination_key bytea NOT NULL,
        version integer,
        source_host text NOT NULL,
        source_path bytea NOT NULL,
        device bigint NOT NULL,
        inode bigint NOT NULL,
        size_bytes bigint NOT NULL,
        mtime_ns bigint NOT NULL,
        state text NOT NULL CHECK (state IN ('seen', 'settling', 'queued', 'transferring', 'verifying', 'cataloguing',
          'done', 'deferred', 'failed', 'quarantined', 'skipped', 'cancelled')),
        reason_code text,
        reason text,
        attempts integer NOT NULL DEFAULT 0,
        finished_order integer NOT NULL DEFAULT 0,
        claimed_by uuid,
        is_cut_off boolean NOT NULL DEFAULT false,
        due_at timestamptz NOT NULL DEFAULT now(),
        md5_sum text,
        found_md5_sum text,
        catalog_id text NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now(),
        settled_at timestamptz,
        transferred_at timestamptz,
        done_at timestamptz,
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT ledger_one_row_per_version UNIQUE (experiment_id, destination_key, version)
      ) WITH (fillfactor = 80)`);
    // Work that is waiting or under way; done rows, by far the most, are not in it.
    await runner.query(`
      CREATE INDEX ledger_open ON ledger (due_at)
        WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined')`);
    await runner.query(`CREATE INDEX ledger_of_acquisition ON ledger (acquisition_id, id)`);
    await runner.query(`
      CREATE INDEX ledger_open_of_acquisition ON ledger (acquisition_id)
        WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined')`);
    await runner.query(`
      CREATE INDEX ledger_deferred ON ledger (acquisition_id, id) WHERE state = 'deferred'`);
    await runner.query(`CREATE INDEX ledger_quarantined ON ledger (experiment_id) WHERE state = 'quarantined'`);
    await runner.query(`
      CREATE TABLE ledger_other_source (
        ledger_id bigint NOT NULL REFERENCES ledger (id) ON DELETE CASCADE,
        acquisition_id uuid NOT NULL,
        source_host text NOT NULL,
        source_path bytea NOT NULL,
        source_key bytea GENERATED ALWAYS AS (sha256(source_path)) STORED,
        inode bigint NOT NULL,
        size_bytes bigint NOT NULL,
        mtime_ns bigint NOT NULL,
        found_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (ledger_id, source_host, source_key)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE ledger_other_source, ledger, acquisition`);
  }
}
