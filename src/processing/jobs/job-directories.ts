import { mkdir, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { StationConfig } from '../../platform/config/index.js';
import { driverCode, StationError } from '../../kernel/errors.js';
import type { Job } from './job.js';

/**
 * `<workDirectory>/<job>/<attempt>/work` is where the stages of one attempt work; beside it each process has a directory
 * `<number>.<launch>` of its own with its script, markers and output. No attempt ever sees files of another.
 */
export class JobDirectories {
  constructor(private readonly config: StationConfig) {}

  work(job: Pick<Job, 'id' | 'attempt'>): string {
    return join(this.attempt(job), 'work');
  }

  process(job: Pick<Job, 'id' | 'attempt'>, number: number, launch: number): string {
    return join(this.attempt(job), `${number}.${launch}`);
  }

  results(job: Pick<Job, 'id' | 'attempt' | 'definition'>): string {
    return join(this.work(job), job.definition.results?.directory ?? 'results');
  }

  async make(job: Job): Promise<void> {
    await mkdir(job.definition.results === undefined ? this.work(job) : this.results(job), {
      recursive: true,
      mode: 0o750,
    });
  }

  /**
   * Whether any stage left anything but directories among the results.
   *
   * @throws StationError RESULTS_OUTSIDE_WORK_DIRECTORY when a stage has put a link to elsewhere in their place, through
   * which the station would upload what the job's owner may not read.
   */
  async hasResults(job: Job): Promise<boolean> {
    const results = this.results(job);
    const real = await realpath(results).catch(() => undefined);
    if (real !== undefined && !real.startsWith(`${await realpath(this.work(job))}/`)) {
      throw new StationError(
        'invalid',
        'RESULTS_OUTSIDE_WORK_DIRECTORY',
        "The results directory is a link to outside of the job's working directory",
      );
    }
    return containsFile(Buffer.from(results));
  }

  private attempt(job: Pick<Job, 'id' | 'attempt'>): string {
    return join(this.config.processing.workDirectory ?? join(this.config.dataDir, 'jobs'), job.id, String(job.attempt));
  }
}

async function containsFile(directory: Buffer): Promise<boolean> {
  const entries = await readdir(directory, { withFileTypes: true, encoding: 'buffer' }).catch((error: unknown) => {
    if (driverCode(error) === 'ENOENT') {
      return [];
    }
    throw error;
  });
  for (const entry of entries) {
    if (!entry.isDirectory() || (await containsFile(Buffer.concat([directory, Buffer.from('/'), entry.name])))) {
      return true;
    }
  }
  return false;
}
