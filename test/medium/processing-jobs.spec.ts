import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pathToText } from '../../src/kernel/path-text.js';
import { waitFor } from '../support/wait-for.js';
import { ProcessingApp } from './processing.app.js';

describe('jobs', () => {
  let app: ProcessingApp;
  let experiment: { id: number; directory: string };

  beforeAll(async () => {
    app = await ProcessingApp.start();
    experiment = await app.experiment('exp-1');
  });
  afterAll(() => app.close());

  it('runs the stages in order of their keys and hands on what their output holds', async () => {
    await app.define('count', {
      '020-B': 'echo "n is $n, m is ${m}" $undefined; pwd',
      '010-A': {
        command: 'echo noise; echo "n=$((6 * $factor))"; echo m=two words',
        outputVariableRegexList: ['n=(?P<n>\\d+)', '(?P<unused>x)|m=(?P<m>.*)'],
      },
    });
    const job = await app.run('count', { args: { factor: 7 } });
    expect(job).toMatchObject({
      status: 'done',
      stage: '020-B',
      variables: { n: '42', m: 'two words' },
      errorMessage: null,
      countFiles: 0,
    });
    expect(job.stages.map((stage) => [stage.key, stage.status])).toEqual([
      ['010-A', 'done'],
      ['020-B', 'done'],
    ]);
    const [process] = job.stages[1]?.childProcesses ?? [];
    expect(process).toMatchObject({
      childProcessNumber: 1,
      stageId: '020-B',
      command: 'echo "n is 42, m is two words" $undefined; pwd',
      workingDir: null,
      status: 'done',
      exitStatus: 0,
      stdErr: '',
      isTruncated: false,
    });
    expect(process?.stdOut.split('\n')[0]).toBe('n is 42, m is two words');
    expect(process?.stdOut).toContain(`/jobs/${job.id}/1/work`);
    expect(
      await waitFor(async () => {
        const events = await app.events('job.submitted', 'job.started', 'job.finished');
        const own = events.filter((event) => event.subject === job.id).map((event) => event.type);
        return own.length === 3 && own;
      }),
    ).toEqual(['job.submitted', 'job.started', 'job.finished']);
  });

  it('ends the job at the first stage that fails, and says why', async () => {
    await app.define('failing', {
      '010-A': 'true',
      '020-B': 'echo "cannot open the shutter" >&2; exit 3',
      '030-C': 'true',
    });
    const job = await app.run('failing');
    expect(job).toMatchObject({ status: 'failed', stage: '020-B' });
    expect(job.errorMessage).toBe('Stage 020-B failed: the command ended with exit status 3: cannot open the shutter.');
    expect(job.stages.map((stage) => [stage.status, stage.childProcesses.length])).toEqual([
      ['done', 1],
      ['failed', 1],
      ['pending', 0],
    ]);
    const why = await app.request('GET', `/jobs/${job.id}/why`);
    expect(why.body.verdict).toContain('cannot open the shutter');
    expect(why.body.timeline.map((moment: { what: string }) => moment.what.split(':')[0])).toEqual([
      'submitted by admin',
      'started',
      'stage 010-A process 0 started',
      'stage 010-A process 0 done',
      'stage 020-B process 1 started',
      'stage 020-B process 1 failed',
      'failed',
    ]);
  });

  it('hands a file to its stages whatever its name, byte for byte', async () => {
    await app.define('digest', {
      '1': {
        command: 'md5sum < $filePath && cat "$filePath" | wc -c; printf "name:%s:end\\n" "$fileName"',
        outputVariableRegexList: ['^(?P<md5>[0-9a-f]{32})', 'name:(?P<seen>[\\s\\S]*):end'],
      },
      '2': `[ "$seen" = '$fileName' ] && echo same`,
    });
    const names = [
      'a; rm -rf ~ $(touch pwned).tif',
      `it's "quoted".h5`,
      'line\nbreak `touch pwned`',
      '-rf',
      '🧪 № 5',
      ' blank ',
    ];
    const bytes = [...names.map((name) => Buffer.from(name)), Buffer.from([0x64, 0xff, 0x80, 0xfe, 0x2e, 0x68, 0x35])];
    for (const name of bytes) {
      const content = `content of ${name.toString('latin1')}`;
      writeFileSync(Buffer.concat([Buffer.from(`${experiment.directory}/data/`), name]), content);
      const filePath = `data/${pathToText(name)}`;
      const job = await app.run('digest', { experiment: 'exp-1', args: { filePath } });
      expect({
        filePath,
        status: job.status,
        reason: job.errorMessage,
        md5: job.variables['md5'],
        seen: job.variables['seen'],
      }).toEqual({
        filePath,
        status: 'done',
        reason: null,
        md5: createHash('md5').update(content).digest('hex'),
        seen: pathToText(name),
      });
      expect(job.stages[1]?.childProcesses[0]?.stdOut).toBe('same\n');
      expect(readdirSync(join(app.place.home, 'data', 'jobs', job.id, '1', 'work'))).toEqual([]);
    }
  });

  it('stops a job with its whole process tree and confirms it', async () => {
    const mark = `9${Date.now()}`;
    await app.define('endless', {
      A: `trap '' TERM; sleep ${mark} & setsid sleep ${mark} & echo up; wait; sleep ${mark}`,
      B: 'true',
    });
    const { id } = await app.submit('endless');
    await waitFor(() => sleepers(mark) >= 2);
    const asked = await app.request('POST', `/jobs/${id}/stop`);
    expect(asked).toMatchObject({ status: 200, body: { status: 'aborting' } });
    const job = await app.ended(id);
    expect(sleepers(mark)).toBe(0);
    expect(job).toMatchObject({ status: 'aborted', errorMessage: 'Stopped by admin.' });
    expect(job.stages.map((stage) => stage.status)).toEqual(['aborted', 'pending']);
    expect(job.stages[0]?.childProcesses[0]).toMatchObject({ status: 'aborted', stdOut: 'up\n' });
  });

  it('refuses to stop a job that has ended', async () => {
    await app.define('quick', { A: 'true' });
    const job = await app.run('quick');
    expect(await app.request('POST', `/jobs/${job.id}/stop`)).toMatchObject({
      status: 409,
      body: { code: 'JOB_ENDED' },
    });
  });

  it('skips, repeats and gives up as the definition says', async () => {
    await app.define('conditional', {
      '1': { command: 'echo no', runIf: '"mda" in "$kind"' },
      '2': {
        command: 'echo "count=$(( ${count:-0} + 1 ))"',
        outputVariableRegexList: ['count=(?P<count>\\d+)'],
        repeatPeriod: 0.1,
        repeatUntil: '"$count" == "3"',
        maxRepeats: 5,
      },
    });
    const job = await app.run('conditional', { args: { kind: 'h5' } });
    expect(job.status).toBe('done');
    expect(job.stages.map((stage) => [stage.status, stage.childProcesses.length])).toEqual([
      ['skipped', 0],
      ['done', 3],
    ]);
    const [first, second] = job.stages[1]?.childProcesses ?? [];
    expect(second?.submitTime).toBe(first?.endTime);
    expect(Date.parse(second?.startTime ?? '') - Date.parse(first?.endTime ?? '')).toBeGreaterThanOrEqual(95);

    await app.define('hopeless', { '1': { command: 'true', repeatPeriod: 0, repeatUntil: '1 == 2', maxRepeats: 3 } });
    const failed = await app.run('hopeless');
    expect(failed).toMatchObject({
      status: 'failed',
      errorMessage: expect.stringContaining('it ran 3 times (maxRepeats)'),
    });
    expect(failed.stages[0]?.childProcesses).toHaveLength(3);
  });

  it('says clearly what stands in the way of a stage', async () => {
    await app.define('nowhere', { A: { command: 'true', workingDir: '/no/such/$place' } });
    expect((await app.run('nowhere', { args: { place: 'dir' } })).errorMessage).toBe(
      'Stage A failed: its working directory /no/such/dir does not exist.',
    );
    await app.define('arithmetic', { A: 'echo $(( $n + 1 ))' });
    expect((await app.run('arithmetic', { args: { n: 'a[$(touch pwned)]' } })).errorMessage).toContain(
      'not an integer',
    );
  });

  it('gives stages a clean environment without the secrets of the station', async () => {
    vi.stubEnv('DM_TEST_SECRET', 'hush');
    await app.define('environment', { A: 'env | cut -d= -f1 | sort | tr "\\n" " "' });
    const job = await app.run('environment', { experiment: 'exp-1', args: { x: 1 } });
    expect(job.stages[0]?.childProcesses[0]?.stdOut).not.toContain('SECRET');
    expect(job.stages[0]?.childProcesses[0]?.stdOut).toContain('DM_JOB_ID ');
    expect(job.stages[0]?.childProcesses[0]?.stdOut).toContain('DM_VAR_x ');
  });

  it('makes one job of one request key', async () => {
    const first = await app.submit('quick', { requestKey: 'k1' });
    expect((await app.submit('quick', { requestKey: 'k1' })).id).toBe(first.id);
  });

  it('pages through jobs, newest first, and filters them', async () => {
    const ids = [];
    for (let index = 0; index < 3; index += 1) {
      ids.unshift((await app.run('quick', { args: { index } })).id);
    }
    const page = await app.request('GET', '/jobs?workflow=admin/quick&status=done&limit=2');
    expect(page.body.items.map((job: { id: string }) => job.id)).toEqual(ids.slice(0, 2));
    const next = await app.request('GET', `/jobs?workflow=quick&status=done&limit=2&cursor=${page.body.nextCursor}`);
    expect(next.body.items[0].id).toBe(ids[2]);
    expect((await app.request('GET', '/jobs?workflow=quick&status=failed')).body).toEqual({
      items: [],
      nextCursor: null,
    });
  });

  it('launches a process again that was on record but certainly never began', async () => {
    const job = await app.run('quick');
    const directory = join(app.place.home, 'data', 'jobs', job.id, '1', '0.1');
    ['started', 'exit'].forEach((name) => rmSync(join(directory, name)));
    await app.database.query(`UPDATE job_process SET status = 'running', ended_at = NULL WHERE job_id = $1`, [job.id]);
    await app.database.query(`UPDATE job_stage SET status = 'running', ended_at = NULL WHERE job_id = $1`, [job.id]);
    await app.database.query(`UPDATE job SET status = 'running', ended_at = NULL WHERE id = $1`, [job.id]);
    const again = await app.ended(job.id);
    expect(again).toMatchObject({ status: 'done' });
    expect(again.stages[0]?.childProcesses).toHaveLength(1);
    expect(readFileSync(join(directory, 'started'), 'utf8')).toBe('fenced\n');
    expect(existsSync(join(directory, '..', '0.2', 'exit'))).toBe(true);
  });

  it('runs jobs whose hints were all lost', async () => {
    await app.define('lonely', { A: 'true' });
    const { id } = await app.submit('lonely');
    await app.ended(id);
    await app.database.query(`UPDATE job SET status = 'pending', ended_at = NULL, started_at = NULL WHERE id = $1`, [
      id,
    ]);
    expect(await app.ended(id)).toMatchObject({ status: 'done' });
  });

  describe('after a restart of the station', () => {
    it('goes on where the crash was: adopts what runs and runs nothing twice', async () => {
      const first = await ProcessingApp.start();
      const ran = join(first.place.home, 'ran');
      await first.define(
        'long',
        { A: `echo a >> ${ran}; until [ -e ${ran}.go ]; do sleep 0.05; done; echo v=5`, B: `echo b >> ${ran}` },
        {},
      );
      const { id } = await first.submit('long');
      await waitFor(() => existsSync(ran));
      await first.stop();
      const second = await ProcessingApp.start({}, first.place);
      try {
        writeFileSync(`${ran}.go`, '');
        const job = await second.ended(id);
        expect(job).toMatchObject({ status: 'done' });
        expect(job.stages[0]?.childProcesses[0]).toMatchObject({ exitStatus: 0, stdOut: 'v=5\n' });
        expect(readFileSync(ran, 'utf8')).toBe('a\nb\n');
      } finally {
        await second.close();
      }
    });

    it('takes over from one that hangs, whose late writes change nothing', async () => {
      const hanging = await ProcessingApp.start();
      const ran = join(hanging.place.home, 'ran');
      await hanging.define('long', {
        A: `echo a >> ${ran}; until [ -e ${ran}.go ]; do sleep 0.05; done`,
        B: `echo b >> ${ran}; sleep 0.5`,
      });
      const { id } = await hanging.submit('long');
      await waitFor(() => existsSync(ran));
      const second = await ProcessingApp.start({}, hanging.place);
      try {
        await waitFor(
          async () =>
            (await second.database.query<{ fence: string }>(`SELECT fence FROM job WHERE id = $1`, [id]))[0]?.fence ===
            '2',
        );
        writeFileSync(`${ran}.go`, '');
        expect(await second.ended(id)).toMatchObject({ status: 'done' });
        expect(readFileSync(ran, 'utf8')).toBe('a\nb\n');
      } finally {
        await hanging.stop();
        await second.close();
      }
    });

    it('fails a job whose process was killed with the station, and does not run it again', async () => {
      const first = await ProcessingApp.start();
      const ran = join(first.place.home, 'ran');
      await first.define('long', { A: `echo $PPID >> ${ran}; sleep 600` });
      const { id } = await first.submit('long');
      const group = await waitFor(() => existsSync(ran) && Number(readFileSync(ran, 'utf8')));
      await first.stop();
      process.kill(-group, 'SIGKILL');
      const second = await ProcessingApp.start({}, first.place);
      try {
        const job = await second.ended(id);
        expect(job).toMatchObject({ status: 'failed', errorMessage: expect.stringContaining('it was lost') });
        expect(job.stages[0]?.childProcesses[0]).toMatchObject({ status: 'lost', exitStatus: null });
        expect(readFileSync(ran, 'utf8').trim().split('\n')).toHaveLength(1);
      } finally {
        await second.close();
      }
    });
  });

  /** Live processes `sleep <seconds>`. */
  function sleepers(seconds: string): number {
    return readdirSync('/proc').filter((name) => {
      try {
        return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1') === `sleep\0${seconds}\0`;
      } catch {
        return false;
      }
    }).length;
  }
});
