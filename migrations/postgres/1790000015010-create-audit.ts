import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAudit1790000015010 implements MigrationInterface {
  name = 'CreateAudit1790000015010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE audit (
        id uuid PRIMARY KEY,
        experiment_id integer NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
        is_deep boolean NOT NULL,
        byte_budget bigint,
        bytes_per_second bigint,
        wants_sha256 boolean NOT NULL DEFAULT false,
        repairs text[] NOT NULL DEFAULT '{}',
        dark_action text CHECK (dark_action IN ('adopt', 'trash')),
        status text NOT NULL CHECK (status IN ('pending', 'running', 'stopping', 'stopped', 'done', 'failed')),
        phase text NOT NULL,
        cursor jsonb,
        counts jsonb NOT NULL,
        breaker text NOT NULL DEFAULT 'closed' CHECK (breaker IN ('closed', 'open', 'overridden')),
        waits_for text,
        error_message text,
        started_by text NOT NULL,
        is_scheduled boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        ended_at timestamptz
      )`);
    await runner.query(`CREATE INDEX audit_of_experiment ON audit (experiment_id, created_at DESC)`);
    await runner.query(`
      CREATE INDEX audit_active ON audit (created_at) WHERE status IN ('pending', 'running', 'stopping')`);
    await runner.query(`
      CREATE TABLE audit_finding (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        audit_id uuid NOT NULL REFERENCES audit (id) ON DELETE CASCADE,
        kind text NOT NULL,
        path bytea NOT NULL,
        version integer,
        ledger_id bigint,
        key bytea GENERATED ALWAYS AS (sha256(path || '/'::bytea || int4send(coalesce(version, 0)))) STORED,
        what text NOT NULL,
        evidence jsonb NOT NULL,
        found_at timestamptz NOT NULL DEFAULT now(),
        repair text CHECK (repair IN ('requested', 'repaired', 'obsolete', 'failed')),
        repair_action text,
        repair_note text,
        repair_by text,
        repaired_at timestamptz,
        CONSTRAINT audit_finding_once UNIQUE (audit_id, kind, key)
      )`);
    await runner.query(`CREATE INDEX audit_finding_listed ON audit_finding (audit_id, id)`);
    await runner.query(`CREATE INDEX audit_finding_requested ON audit_finding (id) WHERE repair = 'requested'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE audit_finding, audit`);
  }
}
