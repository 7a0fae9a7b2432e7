import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { ProcessingApp } from './processing.app.js';

let app: ProcessingApp;
let experiment: { id: number; directory: string };

beforeAll(async () => {
  app = await ProcessingApp.start({ maxTriggerDepth: 3 });
  experiment = await app.experiment('exp-1');
  await app.experiment('exp-2');
  await app.user('mia');
  await app.user('otto');
  await app.request('PUT', '/experiments/exp-1/members/mia', { role: 'User' });
  await app.define('echo', {
    A: 'echo "$filePath|$experimentFilePath|$experimentName|$fileName|$fileSize|$md5Sum|$x"',
  });
});
afterAll(() => app.close());

describe('workflow definitions', () => {
  it('are created, read, listed, replaced and deleted by the station manager', async () => {
    await app.user('manja', 'manager');
    const definition = {
      name: 'w1',
      description: 'd',
      color: 'red',
      stages: { b: { command: 'true' }, a: { command: 'true', note: 1 } },
    };
    const made = await app.request('POST', '/workflows', definition, 'manja');
    expect(made).toMatchObject({ status: 201, body: { owner: 'manja', name: 'w1', color: 'red', revision: 1 } });
    expect(made.body.id).toMatch(/^[0-9a-f]{24}$/);
    expect(Object.keys(made.body.stages)).toEqual(['a', 'b']);
    expect(await app.request('POST', '/workflows', definition, 'manja')).toMatchObject({
      status: 409,
      body: { code: 'WORKFLOW_EXISTS' },
    });
    expect(await app.request('PUT', '/workflows/manja/w1', { ...made.body, color: 'blue' }, 'manja')).toMatchObject({
      status: 200,
      body: { id: made.body.id, color: 'blue', revision: 2 },
    });
    expect(await app.request('PUT', '/workflows/manja/w2', definition, 'manja')).toMatchObject({
      status: 422,
      body: { code: 'WORKFLOW_NAME_MISMATCH' },
    });
    expect((await app.request('GET', '/workflows?owner=manja', undefined, 'mia')).body.items).toHaveLength(1);
    expect((await app.request('DELETE', '/workflows/manja/w1', undefined, 'manja')).status).toBe(204);
    expect(await app.request('GET', '/workflows/manja/w1')).toMatchObject({
      status: 404,
      body: { code: 'WORKFLOW_NOT_FOUND' },
    });
  });

  it('are refused from others, and when they are wrong with the stage and key named', async () => {
    const definition = {
      name: 'w3',
      stages: { '010-A': { command: 'true', outputVariableRegexList: ['(?P<a>.)(?=x)'] } },
    };
    expect(
      await app.request('PUT', '/workflows/mia/w3', { name: 'w3', stages: { A: { command: 'true' } } }, 'mia'),
    ).toMatchObject({ status: 403 });
    const refused = await app.request('PUT', '/workflows/admin/w3', definition);
    expect(refused.status).toBe(422);
    expect(refused.body.detail).toMatch(/stages\.010-A\.outputVariableRegexList\.0: .*look-around/);
  });
});

describe('starting jobs', () => {
  it('is for members, on files of the experiment', async () => {
    writeFileSync(join(experiment.directory, 'data', 'a.h5'), '12345');
    const started = await app.request('POST', '/jobs', start({ filePath: 'data/a.h5', x: 'y z' }), 'mia');
    expect(started).toMatchObject({ status: 201, body: { owner: 'mia', experiment: 'exp-1', countFiles: 1 } });
    const job = await app.ended(started.body.id);
    expect(job.stages[0]?.childProcesses[0]?.stdOut).toBe(
      `${experiment.directory}/data/a.h5|data/a.h5|exp-1|a.h5|5||y z\n`,
    );
  });

  it('is refused to strangers, who do not learn what there is', async () => {
    expect(await app.request('POST', '/jobs', start({}), 'otto')).toMatchObject({
      status: 404,
      body: { code: 'EXPERIMENT_NOT_FOUND' },
    });
    expect(await app.request('POST', '/jobs', { workflow: { owner: 'admin', name: 'echo' } }, 'mia')).toMatchObject({
      status: 403,
    });
    expect(await app.request('POST', '/jobs', { ...start({}), owner: 'otto' }, 'mia')).toMatchObject({
      status: 403,
      body: { code: 'JOB_OWNER_NOT_ALLOWED' },
    });
  });

  it('does not reach files outside the experiment, not by dots and not by links', async () => {
    symlinkSync('/etc', join(experiment.directory, 'data', 'link'));
    for (const filePath of [
      '/etc/passwd',
      '../exp-2/data/x',
      'data/../../exp-2/x',
      'data/link/passwd',
      `${experiment.directory}-evil/x`,
      experiment.directory,
    ]) {
      expect(await app.request('POST', '/jobs', start({ filePath }), 'mia'), filePath).toMatchObject({
        status: 403,
        body: { code: 'FILE_OUTSIDE_EXPERIMENT' },
      });
    }
    expect((await app.request('POST', '/jobs', start({ filePath: '/dev/null' }))).status).toBe(201);
    expect((await app.request('POST', '/jobs', start({ filePath: 'data/not-there-yet' }), 'mia')).status).toBe(201);
  });

  it('refuses arguments that no command can receive', async () => {
    expect(await app.request('POST', '/jobs', start({ x: 'a\0b' }))).toMatchObject({
      status: 422,
      body: { code: 'ARGUMENT_INVALID' },
    });
    expect(await app.request('POST', '/jobs', start({ filePath: 'data/\\z' }))).toMatchObject({
      status: 422,
      body: { code: 'PATH_TEXT_INVALID' },
    });
    expect(await app.request('POST', '/jobs', start({ workflow: 1 }))).toMatchObject({ status: 422 });
  });

  it('shows jobs to members only', async () => {
    const { id } = await app.submit('echo', { experiment: 'exp-1' });
    expect((await app.request('GET', `/jobs/${id}`, undefined, 'mia')).status).toBe(200);
    for (const path of [`/jobs/${id}`, `/jobs/${id}/why`]) {
      expect(await app.request('GET', path, undefined, 'otto')).toMatchObject({
        status: 404,
        body: { code: 'JOB_NOT_FOUND' },
      });
    }
    expect(await app.request('POST', `/jobs/${id}/stop`, undefined, 'otto')).toMatchObject({ status: 404 });
    expect((await app.request('GET', '/jobs', undefined, 'otto')).body.items).toEqual([]);
    await app.ended(id);
  });
});

describe('workflows that files ask for', () => {
  it('start once however often the request comes', async () => {
    await app.announce(requested('r1', 'echo', 0, { args: { x: 'given' } }));
    await app.announce(requested('r1', 'echo', 0));
    await app.announce(requested('r1-marker', 'echo', 0));
    await waitFor(async () => (await jobsFor('r1-marker')).length === 1);
    const jobs = await jobsFor('r1');
    expect(jobs).toHaveLength(1);
    const job = await app.ended(jobs[0]?.id ?? '');
    expect(job).toMatchObject({ owner: 'mia', triggerDepth: 1, input: { path: 'data/s 1.h5', ledgerId: '17' } });
    expect(job.stages[0]?.childProcesses[0]?.stdOut).toBe(
      '/store/exp-1/data/s 1.h5|data/s 1.h5|exp-1|s 1.h5|5|d41d|given\n',
    );
  });

  it('do not start on what a job made, unless the definition says so, and then not without end', async () => {
    await app.define('greedy', { A: 'true' }, { acceptsJobOutput: true });
    await app.announce(requested('d1', 'echo', 1));
    await app.announce(requested('d2', 'greedy', 2));
    await app.announce(requested('d3', 'greedy', 3));
    const refused = await waitFor(async () => {
      const events = await app.events('workflow.refused');
      return events.length >= 2 && events;
    });
    expect(refused.map((event) => event.data['code'])).toEqual(['JOB_OUTPUT_NOT_ACCEPTED', 'TRIGGER_DEPTH_REACHED']);
    expect([(await jobsFor('d1')).length, (await jobsFor('d2')).length, (await jobsFor('d3')).length]).toEqual([
      0, 1, 0,
    ]);
    const alarms = await app.database.query<{ key: string }>(`SELECT key FROM alarm WHERE cleared_at IS NULL`);
    expect(alarms.map((alarm) => alarm.key)).toEqual(['processing.workflow-cycle:admin/greedy']);
  });

  it('raise an alarm while there is no such workflow', async () => {
    const alarms = () =>
      app.database.query(
        `SELECT key FROM alarm WHERE key = 'processing.workflow-missing:admin/late' AND cleared_at IS NULL`,
      );
    await app.announce(requested('m1', 'late', 0));
    await waitFor(async () => (await alarms()).length === 1);
    await app.define('late', { A: 'true' });
    await app.announce(requested('m2', 'late', 0));
    expect(await alarms()).toEqual([]);
    await waitFor(async () => (await jobsFor('m2')).length === 1);
  });

  it('are not held up by a request that cannot be read', async () => {
    await app.announce({ type: 'workflow.requested', data: { nonsense: true } });
    await app.announce(requested('u1', 'echo', 0));
    await waitFor(async () => (await jobsFor('u1')).length === 1, { what: 'the job of the request behind it' });
  });
});

describe('results', () => {
  beforeAll(() =>
    app.define(
      'maker',
      {
        A: 'mkdir -p results/deep; echo made > results/deep/out.txt; echo "$resultsDirectory" "$DM_RESULTS_DIRECTORY"',
      },
      { results: { directory: 'results', destDirectory: 'made/$x' } },
    ),
  );

  it('are offered for upload, and the job is done when they are in the experiment', async () => {
    const { id } = await app.submit('maker', { experiment: 'exp-1', args: { x: 'y' } });
    const job = await app.reaches(id, (found) => found.status === 'finalizing', 'finalizing');
    const directory = join(app.place.home, 'data', 'jobs', id, '1', 'work', 'results');
    expect(job.stages[0]?.childProcesses[0]?.stdOut).toBe(`${directory} ${directory}\n`);
    const event = await waitFor(async () =>
      (await app.events('results.ready')).find((candidate) => candidate.subject === id),
    );
    expect(event.data).toEqual({
      requestKey: `job:${id}:1`,
      jobId: id,
      experimentId: experiment.id,
      directory,
      destDirectory: 'made/y',
      depth: 1,
      requestedBy: 'admin',
      metadata: { workflow: 'admin/maker' },
    });
    await app.announce({
      type: 'acquisition.finished',
      experimentId: experiment.id,
      data: { acquisitionId: 'a1', jobId: id, status: 'done' },
    });
    expect(await app.ended(id)).toMatchObject({ status: 'done', errorMessage: null });
  });

  it('that cannot be uploaded fail the job with the reason', async () => {
    const { id } = await app.submit('maker', { experiment: 'exp-1', args: { x: 'y' } });
    await app.reaches(id, (found) => found.status === 'finalizing', 'finalizing');
    await app.announce({
      type: 'acquisition.finished',
      data: { acquisitionId: 'a2', jobId: id, status: 'failed', errorMessage: 'no space' },
    });
    expect(await app.ended(id)).toMatchObject({
      status: 'failed',
      errorMessage: 'The upload of its results (acquisition a2) ended as failed: no space.',
    });
  });

  it('ask for the same workflow again only if it accepts what jobs make', async () => {
    for (const acceptsJobOutput of [true, false]) {
      const name = `round-${acceptsJobOutput}`;
      await app.define(name, { A: 'echo x > "$resultsDirectory/x"' }, { results: {}, acceptsJobOutput });
      await app.announce(requested(name, name, 0, { args: { x: 1 } }));
      const [job] = await waitFor(async () => {
        const jobs = await jobsFor(name);
        return jobs.length === 1 && jobs;
      });
      const id = job?.id ?? '';
      const event = await waitFor(async () =>
        (await app.events('results.ready')).find((candidate) => candidate.subject === id),
      );
      const again = { owner: 'admin', name, args: { x: 1 }, jobOwner: 'mia' };
      expect(event.data['workflow']).toEqual(acceptsJobOutput ? again : undefined);
      expect(event.data).toMatchObject({ depth: 1, metadata: { inputFile: 'data/s 1.h5' } });
      const data = { acquisitionId: null, jobId: id, status: 'failed', errorMessage: 'refused' };
      await app.announce({ type: 'acquisition.finished', data });
      expect((await app.ended(id)).errorMessage).toBe('The upload of its results ended as failed: refused.');
    }
  });

  it('do not leave the experiment or the working directory', async () => {
    const outside = await app.run('maker', { experiment: 'exp-1', args: { x: '../../exp-2/data' } });
    expect(outside).toMatchObject({
      status: 'failed',
      errorMessage: expect.stringContaining('not inside the experiment'),
    });
    await app.define('linker', { A: 'rmdir results && ln -s /etc results' }, { results: {} });
    const linked = await app.run('linker', { experiment: 'exp-1' });
    expect(linked).toMatchObject({ status: 'failed', errorMessage: expect.stringContaining('a link to outside') });
  });

  it('that are none end the job at once', async () => {
    await app.define('idle', { A: 'mkdir -p results/empty' }, { results: {} });
    expect(await app.run('idle', { experiment: 'exp-1' })).toMatchObject({ status: 'done' });
  });

  it('need an experiment to go to', async () => {
    expect(await app.request('POST', '/jobs', { workflow: { owner: 'admin', name: 'maker' } })).toMatchObject({
      status: 422,
      body: { code: 'EXPERIMENT_REQUIRED' },
    });
  });
});

describe('an experiment', () => {
  it('is not deleted under a job that runs', async () => {
    const { id } = await app.experiment('exp-3');
    await app.define('waits', { A: 'sleep 600' });
    const job = await app.submit('waits', { experiment: 'exp-3' });
    expect((await app.request('DELETE', '/experiments/exp-3')).status).toBe(409);
    await app.request('POST', `/jobs/${job.id}/stop`);
    await app.ended(job.id);
    expect(id).toBeGreaterThan(0);
  });
});

function start(args: Record<string, unknown>) {
  return { workflow: { owner: 'admin', name: 'echo' }, experiment: 'exp-1', args };
}

function jobsFor(requestKey: string): Promise<{ id: string }[]> {
  return app.database.query<{ id: string }>(`SELECT id FROM job WHERE request_key = $1`, [requestKey]);
}

function requested(requestKey: string, workflow: string, depth: number, more: Record<string, unknown> = {}) {
  mkdirSync(join(experiment.directory, 'data'), { recursive: true });
  return {
    type: 'workflow.requested',
    experimentId: experiment.id,
    data: {
      requestKey,
      owner: 'admin',
      workflow,
      jobOwner: 'mia',
      experimentId: experiment.id,
      experimentName: 'exp-1',
      args: {},
      file: {
        ledgerId: '17',
        catalogId: null,
        path: 'data/s 1.h5',
        absolutePath: '/store/exp-1/data/s 1.h5',
        sourcePath: '/detector/s 1.h5',
        sizeBytes: 5,
        md5Sum: 'd41d',
        version: 1,
        depth,
      },
      ...more,
    },
  };
}
