import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAuth1790000001100 implements MigrationInterface {
  name = 'CreateAuth1790000001100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE station_user (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        username text COLLATE "C" NOT NULL UNIQUE,
        password_hash text,
        password_change_required boolean NOT NULL DEFAULT false,
        first_name text,
        last_name text,
        email text,
        roles text[] NOT NULL DEFAULT '{}' CHECK (roles <@ ARRAY['administrator', 'manager', 'operator']),
        disabled boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`
      CREATE TABLE user_session (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        token_sha256 bytea NOT NULL UNIQUE,
        user_id integer NOT NULL REFERENCES station_user (id) ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        absolute_expires_at timestamptz NOT NULL
      )`);
    await runner.query(`CREATE INDEX user_session_user ON user_session (user_id)`);
    await runner.query(`CREATE INDEX user_session_expiry ON user_session (expires_at)`);
    await runner.query(`
      CREATE TABLE api_token (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        user_id integer NOT NULL REFERENCES station_user (id) ON DELETE CASCADE,
        name text NOT NULL,
        token_sha256 bytea NOT NULL UNIQUE,
        roles text[] CHECK (roles <@ ARRAY['administrator', 'manager', 'operator']),
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        last_used_at timestamptz,
        revoked_at timestamptz
      )`);
    await runner.query(`CREATE INDEX api_token_user ON api_token (user_id, id)`);
    await runner.query(`
      CREATE TABLE login_attempt (
        scope text NOT NULL CHECK (scope IN ('user-and-address', 'user', 'address')),
        subject_sha256 bytea NOT NULL,
        attempts integer NOT NULL,
        window_ends_at timestamptz NOT NULL,
        PRIMARY KEY (scope, subject_sha256)
      )`);
    await runner.query(`CREATE INDEX login_attempt_window ON login_attempt (window_ends_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE login_attempt, api_token, user_session, station_user`);
  }
}
