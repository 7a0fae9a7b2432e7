import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Work that waits with a reason, by the reason: how much waits for room is asked every few seconds, also beside a backlog of
 * a million rows, which have none. The end of a file has no reason before and after, so that it still touches no index.
 */
export class ListReasonsOfWaitingWork1790000018000 implements MigrationInterface {
  name = 'ListReasonsOfWaitingWork1790000018000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX ledger_reasons ON ledger (reason_code) WHERE waits_for = 'work' AND reason_code IS NOT NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX ledger_reasons`);
  }
}
