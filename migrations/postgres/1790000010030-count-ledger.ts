import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Files and bytes of each acquisition by state. Every statement that touches the ledger notes what it changed in the
 * same transaction, as rows of their own, so that no two writers wait for one counter; they are summed up later.
 */
export class CountLedger1790000010030 implements MigrationInterface {
  name = 'CountLedger1790000010030';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE ledger_count (
        acquisition_id uuid NOT NULL,
        state text NOT NULL,
        files bigint NOT NULL,
        bytes bigint NOT NULL,
        PRIMARY KEY (acquisition_id, state)
      )`);
    await runner.query(`
      CREATE TABLE ledger_count_change (
        acquisition_id uuid NOT NULL,
        state text NOT NULL,
        files bigint NOT NULL,
        bytes bigint NOT NULL
      )`);
    await runner.query(`
      INSERT INTO ledger_count (acquisition_id, state, files, bytes)
      SELECT acquisition_id, state, count(*), sum(size_bytes) FROM ledger GROUP BY acquisition_id, state`);
    await this.trigger(runner, 'insert', [['added', 1]]);
    await this.trigger(runner, 'update', [
      ['added', 1],
      ['gone', -1],
    ]);
    await this.trigger(runner, 'delete', [['gone', -1]]);
  }

  private async trigger(
    runner: QueryRunner,
    event: 'insert' | 'update' | 'delete',
    tables: readonly (readonly ['added' | 'gone', 1 | -1])[],
  ): Promise<void> {
    const parts = tables.map(([table, n]) => `SELECT acquisition_id, state, size_bytes, ${n} AS n FROM ${table}`);
    const naming = tables.map(([table]) => (table === 'added' ? 'NEW TABLE AS added' : 'OLD TABLE AS gone'));
    await runner.query(`
      CREATE FUNCTION count_ledger_${event}() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO ledger_count_change (acquisition_id, state, files, bytes)
        SELECT acquisition_id, state, sum(n), sum(n * size_bytes) FROM (${parts.join(' UNION ALL ')}) rows
        GROUP BY acquisition_id, state HAVING sum(n) <> 0 OR sum(n * size_bytes) <> 0;
        RETURN NULL;
      END $$`);
    await runner.query(`
      CREATE TRIGGER ledger_counts_${event} AFTER ${event.toUpperCase()} ON ledger
        REFERENCING ${naming.join(' ')} FOR EACH STATEMENT EXECUTE FUNCTION count_ledger_${event}()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const event of ['insert', 'update', 'delete']) {
      await runner.query(`DROP TRIGGER ledger_counts_${event} ON ledger`);
      await runner.query(`DROP FUNCTION count_ledger_${event}()`);
    }
    await runner.query(`DROP TABLE ledger_count_change, ledger_count`);
  }
}
