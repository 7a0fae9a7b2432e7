import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateEvent1790000000100 implements MigrationInterface {
  name = 'CreateEvent1790000000100';

  async up(runner: QueryRunner): Promise<void> {
    // json, not jsonb: it keeps U+0000 in what people wrote.
    await runner.query(`
      CREATE TABLE event_outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        type text NOT NULL,
        experiment_id integer,
        subject text,
        data json NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE event (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL,
        type text NOT NULL,
        experiment_id integer,
        subject text,
        data json NOT NULL
      )`);
    await runner.query(`CREATE INDEX event_at ON event (at)`);
    await runner.query(`CREATE INDEX event_of_type ON event (type, id)`);
    await runner.query(`
      CREATE TABLE event_cursor (
        consumer text PRIMARY KEY,
        last_id bigint NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE alarm (
        key text PRIMARY KEY,
        severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
        message text NOT NULL,
        action text NOT NULL,
        experiment_id integer,
        details jsonb NOT NULL DEFAULT '{}',
        raised_at timestamptz NOT NULL DEFAULT now(),
        last_seen_at timestamptz NOT NULL DEFAULT now(),
        cleared_at timestamptz,
        count integer NOT NULL DEFAULT 1
      )`);
    await runner.query(`CREATE INDEX alarm_active ON alarm (raised_at) WHERE cleared_at IS NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE alarm, event_cursor, event, event_outbox`);
  }
}
