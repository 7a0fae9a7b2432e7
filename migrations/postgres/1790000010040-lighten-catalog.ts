import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Every writer holds the experiment's row (see counters.ts), so that no document needs to look it up for itself. */
export class LightenCatalog1790000010040 implements MigrationInterface {
  name = 'LightenCatalog1790000010040';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE catalog_file DROP CONSTRAINT catalog_file_experiment_id_fkey`);
    await runner.query(`
      CREATE FUNCTION forget_documents_of_experiments() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        DELETE FROM catalog_file WHERE experiment_id IN (SELECT id FROM gone);
        RETURN NULL;
      END $$`);
    await runner.query(`
      CREATE TRIGGER experiment_forgets_documents AFTER DELETE ON experiment
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_documents_of_experiments()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TRIGGER experiment_forgets_documents ON experiment`);
    await runner.query(`DROP FUNCTION forget_documents_of_experiments()`);
    await runner.query(`
      ALTER TABLE catalog_file ADD CONSTRAINT catalog_file_experiment_id_fkey
        FOREIGN KEY (experiment_id) REFERENCES experiment (id) ON DELETE CASCADE`);
  }
}
