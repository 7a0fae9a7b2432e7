import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a station starts with; more types are added over the interface. */
const TYPES: readonly (readonly [name: string, description: string])[] = [
  ['XRAY', 'Measurement with X-rays; what an experiment is unless somebody says more'],
  ['IMAGING', 'Radiography, tomography, full-field and scanning microscopy'],
  ['SCATTERING', 'Diffraction and scattering, small and wide angle'],
  ['SPECTROSCOPY', 'Absorption, emission and fluorescence spectroscopy'],
  ['COMMISSIONING', 'Set-up, alignment and calibration of the beamline; no proposal needed'],
  ['TEST', 'Trials of software and equipment; the data may go'],
];

export class CreateExperiment1790000002100 implements MigrationInterface {
  name = 'CreateExperiment1790000002100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE experiment_type (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text COLLATE "C" NOT NULL UNIQUE,
        description text NOT NULL DEFAULT ''
      )`);
    await runner.query(`CREATE UNIQUE INDEX experiment_type_name_any_case ON experiment_type (lower(name))`);
    for (const type of TYPES) {
      await runner.query(`INSERT INTO experiment_type (name, description) VALUES ($1, $2)`, [...type]);
    }
    await runner.query(`
      CREATE TABLE experiment (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text COLLATE "C" NOT NULL UNIQUE,
        station_name text NOT NULL,
        root_path text,
        type_id integer NOT NULL REFERENCES experiment_type (id),
        description text NOT NULL DEFAULT '',
        start_date timestamptz,
        end_date timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CHECK (end_date >= start_date)
      )`);
    await runner.query(`CREATE UNIQUE INDEX experiment_name_any_case ON experiment (lower(name))`);
    await runner.query(`
      CREATE TABLE experiment_member (
        experiment_id integer NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
        user_id integer NOT NULL REFERENCES station_user (id) ON DELETE CASCADE,
        role text NOT NULL CHECK (role IN ('PI', 'User')),
        added_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (experiment_id, user_id)
      )`);
    await runner.query(`CREATE INDEX experiment_member_user ON experiment_member (user_id, experiment_id)`);
    await runner.query(`
      CREATE TABLE experiment_removal (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source_directory text NOT NULL,
        target_directory text NOT NULL,
        requested_at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE experiment_removal, experiment_member, experiment, experiment_type`);
  }
}
