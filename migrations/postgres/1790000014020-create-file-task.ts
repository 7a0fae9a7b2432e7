import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What people have done to stored files at large: compress, decompress, delete. Who did what to which stays written. */
export class CreateFileTask1790000014020 implements MigrationInterface {
  name = 'CreateFileTask1790000014020';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE file_task (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('compress', 'decompress', 'delete')),
        experiment_id integer NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
        status text NOT NULL CHECK (status IN ('previewing', 'previewed', 'running', 'done', 'cancelling', 'cancelled',
          'undoing', 'undone', 'emptying', 'emptied')),
        request json NOT NULL,
        token text,
        requested_by text NOT NULL,
        files integer NOT NULL DEFAULT 0,
        bytes bigint NOT NULL DEFAULT 0,
        last_copies integer NOT NULL DEFAULT 0,
        done_files integer NOT NULL DEFAULT 0,
        done_bytes bigint NOT NULL DEFAULT 0,
        left_out_files integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        started_by text,
        ended_at timestamptz,
        undone_by text,
        trash_until timestamptz
      )`);
    await runner.query(`CREATE INDEX file_task_newest ON file_task (created_at DESC, id)`);
    await runner.query(`
      CREATE INDEX file_task_active ON file_task (status)
        WHERE status IN ('previewing', 'previewed', 'running', 'cancelling', 'undoing', 'emptying')`);
    await runner.query(`
      CREATE TABLE file_task_item (
        task_id uuid NOT NULL REFERENCES file_task (id) ON DELETE CASCADE,
        ordinal integer NOT NULL,
        document json NOT NULL,
        ledger_id bigint NOT NULL,
        location bytea NOT NULL,
        state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'left-out', 'restored')),
        reason_code text,
        reason text,
        derived jsonb,
        is_in_trash boolean NOT NULL DEFAULT false,
        PRIMARY KEY (task_id, ordinal)
      )`);
    await runner.query(
      `CREATE INDEX file_task_item_pending ON file_task_item (task_id, ordinal) WHERE state = 'pending'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE file_task_item, file_task`);
  }
}
