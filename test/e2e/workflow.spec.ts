import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Page } from '../../src/cli/api-client.js';
import type { AlarmAnswer, JobAnswer } from '../../src/cli/api-types.js';
import { aStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

type JobWithDepth = JobAnswer & { triggerDepth: number };

const ENDED = ['done', 'failed', 'aborted'];

describe('workflows that files start', () => {
  const station = aStation();

  function define(name: string, definition: object): Promise<unknown> {
    return station().api.post('/workflows', { owner: 'admin', name, ...definition });
  }

  function jobsOf(experiment: string): Promise<JobWithDepth[]> {
    return station()
      .api.get<Page<JobWithDepth>>(`/jobs?experiment=${experiment}&limit=1000`)
      .then((page) => page.items);
  }

  function monitor(experiment: string, directory: string, workflow: string, options: object = {}) {
    mkdirSync(directory, { recursive: true });
    return station().startAcquisition({
      kind: 'monitor',
      experiment,
      dataDirectory: directory,
      processExisting: true,
      workflow: { owner: 'admin', name: workflow },
      ...options,
    });
  }

  it('runs once for every file that a monitor brings, whatever its name', async () => {
    await station().createExperiment('each');
    await define('count', {
      stages: {
        '010-COUNT': { command: 'wc -c < $filePath', outputVariableRegexList: ['(?P<bytes>[0-9]+)'] },
        '020-SAY': { command: `printf '%s has %s' "$experimentFilePath" $bytes` },
      },
    });
    const directory = join(station().detector, 'each');
    const { id } = await monitor('each', directory, 'count');
    const names = ['plain.dat', 'a; touch hacked $(touch hacked).dat', `it's "quoted" \\ .dat`, '-n', 'two\nlines'];
    names.forEach((name) => writeFileSync(join(directory, name), 'x'.repeat(7)));
    const jobs = await waitFor(
      async () => {
        const found = await jobsOf('each');
        return found.length >= names.length && found.every((job) => ENDED.includes(job.status)) ? found : undefined;
      },
      { timeoutMs: 60_000, what: 'a job for each file' },
    );
    expect(jobs.map((job) => job.status)).toEqual(names.map(() => 'done'));
    const outputs = await Promise.all(
      jobs.map(async (job) => {
        const { stages } = await station().api.get<JobAnswer>(`/jobs/${job.id}`);
        return stages?.at(-1)?.childProcesses[0]?.stdOut;
      }),
    );
    expect(new Set(outputs)).toEqual(new Set(names.map((name) => `data/${name} has 7`)));
    expect(existsSync(join(directory, 'hacked'))).toBe(false);
    await station().stopAcquisition(id);
    expect(await jobsOf('each')).toHaveLength(names.length);
  });

  it('stops a workflow whose output starts itself, and says so by an alarm', async () => {
    await station().createExperiment('cycle');
    await define('echo', {
      acceptsJobOutput: true,
      results: { directory: 'out' },
      stages: { '010-COPY': { command: 'mkdir -p out && cp "$filePath" "out/again-$id.dat"' } },
    });
    const directory = join(station().detector, 'cycle');
    await monitor('cycle', directory, 'echo');
    writeFileSync(join(directory, 'first.dat'), 'round and round');
    const alarm = await waitFor(
      async () => {
        const { items } = await station().api.get<Page<AlarmAnswer>>('/alarms');
        return items.find((one) => one.key.includes('cycle'));
      },
      { timeoutMs: 90_000, what: 'the alarm' },
    );
    expect(alarm.message).toContain('echo');
    const jobs = await jobsOf('cycle');
    expect(jobs.map((job) => job.triggerDepth).sort()).toEqual([1, 2, 3]);
    await waitFor(async () => (await jobsOf('cycle')).every((job) => job.status === 'done'), {
      what: 'the jobs to end',
    });
    expect(await jobsOf('cycle')).toHaveLength(3);
  });

  it('does not start on results of jobs unless its definition says so', async () => {
    await station().createExperiment('quiet');
    await define('once', {
      results: { directory: 'out' },
      stages: { '010-COPY': { command: 'mkdir -p out && cp "$filePath" out/result.dat' } },
    });
    const directory = join(station().detector, 'quiet');
    await monitor('quiet', directory, 'once');
    writeFileSync(join(directory, 'first.dat'), 'once is enough');
    const [job] = await waitFor(
      async () => {
        const jobs = await jobsOf('quiet');
        return jobs[0]?.status === 'done' ? jobs : undefined;
      },
      { timeoutMs: 60_000, what: 'the job' },
    );
    const { items } = await station().api.get<Page<{ path: string; jobId: string | null }>>('/experiments/quiet/files');
    expect(items.map((file) => [file.path, file.jobId])).toEqual(
      expect.arrayContaining([
        ['data/first.dat', null],
        ['analysis/result.dat', job?.id],
      ]),
    );
    expect(await jobsOf('quiet')).toHaveLength(1);
  });

  it('runs no stage twice when the station is killed in the middle of it', async () => {
    await station().createExperiment('killed');
    const marks = join(station().folder, 'marks');
    const gate = join(station().folder, 'gate');
    writeFileSync(marks, '');
    await define('slow', {
      stages: {
        '010-MARK': { command: `echo first >> ${marks}; while [ ! -e ${gate} ]; do sleep 0.1; done; echo passed` },
        '020-MARK': { command: `echo second >> ${marks}` },
      },
    });
    const { id } = await station().api.post<JobAnswer>('/jobs', {
      workflow: { owner: 'admin', name: 'slow' },
      experiment: 'killed',
      args: {},
    });
    await waitFor(() => readFileSync(marks, 'utf8') === 'first\n', { what: 'the first stage to run' });
    await station().killStation();
    appendFileSync(gate, '');
    await station().restart();
    const job = await waitFor(
      async () => {
        const found = await station().api.get<JobAnswer>(`/jobs/${id}`);
        return ENDED.includes(found.status) ? found : undefined;
      },
      { timeoutMs: 60_000, what: 'the job to end' },
    );
    expect(job.status).toBe('done');
    expect(job.stages?.[0]?.childProcesses[0]?.stdOut).toBe('passed\n');
    expect(readFileSync(marks, 'utf8')).toBe('first\nsecond\n');
  });
});
