import { z } from 'zod';

const absolute = z.string().startsWith('/', 'must be an absolute path');

/** Section `processing` of the station's configuration. */
export const processingConfigSchema = z.strictObject({
  /** How many jobs have a stage running at the same time. */
  concurrency: z.int().min(1).max(1024).default(2),
  /** Where jobs work and leave their output; default `<dataDir>/jobs`. */
  workDirectory: absolute.optional(),
  /** The shell that runs the commands of stages. It must understand POSIX shell syntax. */
  shell: absolute.default('/bin/sh'),
  /** PATH of stages. They inherit nothing from the station's own environment. */
  path: z.string().min(1).default('/usr/local/bin:/usr/bin:/bin'),
  /** Further environment of all stages, such as a facility's module path. */
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
  /** Each of standard output and standard error of a process is cut here (the record says so), in bytes. */
  maxOutputBytes: z.int().min(1024).default(67_108_864),
  /** How much of the end of each output is kept in the database and answered by the API, in bytes. */
  outputTailBytes: z.int().min(0).max(1_048_576).default(65_536),
  /** A process that runs longer is stopped and its job fails, in seconds. Default: one day. */
  stageTimeLimitSeconds: z.number().positive().default(86_400),
  /** Time between asking a process to end (TERM) and killing it (KILL), in seconds. */
  stopGraceSeconds: z.number().min(0).default(5),
  /** How deep jobs may start on files that jobs made; beyond it no job is made and an alarm is raised. */
  maxTriggerDepth: z.int().min(1).max(100).default(3),
});

export type ProcessingConfig = z.infer<typeof processingConfigSchema>;

declare module '../platform/config/station-config.js' {
  interface StationConfig {
    readonly processing: ProcessingConfig;
  }
}
