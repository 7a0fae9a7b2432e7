import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateJob1790000005100 implements MigrationInterface {
  name = 'CreateJob1790000005100';

  async up(runner: QueryRunner): Promise<void> {
    // Definitions and arguments are json, not jsonb: they come back with their keys in the order they were given in.
    await runner.query(`
      CREATE TABLE workflow (
        id text PRIMARY KEY,
        owner text NOT NULL,
        name text NOT NULL,
        definition json NOT NULL,
        revision integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        updated_by text NOT NULL,
        UNIQUE (owner, name)
      )`);
    await runner.query(`
      CREATE TABLE job (
        id uuid PRIMARY KEY,
        seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        request_key text UNIQUE,
        owner text NOT NULL,
        requested_by text NOT NULL,
        workflow_id text NOT NULL,
        workflow_owner text NOT NULL,
        workflow_name text NOT NULL,
        definition json NOT NULL,
        experiment_id integer REFERENCES experiment (id) ON DELETE SET NULL,
        experiment_name text,
        args json NOT NULL,
        facts jsonb NOT NULL,
        outputs jsonb NOT NULL DEFAULT '{}',
        input jsonb,
        trigger_depth integer NOT NULL,
        status text NOT NULL DEFAULT 'pending'
          CHECK (status IN ('pending', 'running', 'finalizing', 'done', 'failed', 'aborting', 'aborted')),
        reason text,
        stage text,
        attempt integer NOT NULL DEFAULT 1,
        not_before timestamptz,
        stopped_by text,
        results_acquisition_id text,
        submitted_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        ended_at timestamptz,
        lease_owner text,
        lease_until timestamptz,
        fence bigint NOT NULL DEFAULT 0
      )`);
    await runner.query(`CREATE INDEX job_runnable ON job (seq) WHERE status IN ('pending', 'running', 'aborting')`);
    await runner.query(
      `CREATE INDEX job_active ON job (status) WHERE status IN ('pending', 'running', 'finalizing', 'aborting')`,
    );
    await runner.query(`CREATE INDEX job_by_experiment ON job (experiment_id, seq DESC)`);
    await runner.query(`CREATE INDEX job_by_owner ON job (owner, seq DESC)`);
    await runner.query(`CREATE INDEX job_by_workflow ON job (workflow_owner, workflow_name, seq DESC)`);
    await runner.query(`
      CREATE TABLE job_stage (
        job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        key text NOT NULL,
        position integer NOT NULL,
        status text NOT NULL DEFAULT 'pending'
          CHECK (status IN ('pending', 'running', 'done', 'failed', 'skipped', 'aborted')),
        reason text,
        started_at timestamptz,
        ended_at timestamptz,
        PRIMARY KEY (job_id, key)
      )`);
    await runner.query(`
      CREATE TABLE job_process (
        job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        number integer NOT NULL,
        stage_key text NOT NULL,
        launch integer NOT NULL DEFAULT 1,
        status text NOT NULL CHECK (status IN ('running', 'done', 'failed', 'lost', 'aborted')),
        reference jsonb NOT NULL,
        command text NOT NULL,
        working_dir text,
        exit_status integer,
        reason text,
        stdout_tail bytea NOT NULL DEFAULT '',
        stderr_tail bytea NOT NULL DEFAULT '',
        stdout_bytes bigint NOT NULL DEFAULT 0,
        stderr_bytes bigint NOT NULL DEFAULT 0,
        is_truncated boolean NOT NULL DEFAULT false,
        submitted_at timestamptz NOT NULL,
        started_at timestamptz,
        ended_at timestamptz,
        PRIMARY KEY (job_id, number)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE job_process, job_stage, job, workflow`);
  }
}
