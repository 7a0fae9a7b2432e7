import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcquisitionAnswer, FileAnswer, JobAnswer, Statistics } from '../../src/cli/api-types.js';
import { EXIT } from '../../src/cli/exit-codes.js';
import { pathToText } from '../../src/kernel/path-text.js';
import { DemoStation } from '../../src/tools/demo/demo-station.js';
import { AWKWARD_NAMES, nexusFile, withExtension } from '../../src/tools/detector/index.js';
import { repositoryRoot } from '../support/repository-root.js';
import { waitFor } from '../support/wait-for.js';

interface Run {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

describe('the dm command at a running station', () => {
  let root: string;
  let station: DemoStation;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'dm-cli-e2e-'));
    station = new DemoStation({ root, quietSeconds: 0.3, program: join(repositoryRoot, 'dist/src/main.js') });
    await station.start();
    expect(await dm('login', 'admin', '--password-file', join(station.dataDirectory, 'admin-password'))).toMatchObject({
      exitCode: EXIT.ok,
    });
  }, 120_000);
  afterAll(async () => {
    await station.stop();
    await rm(root, { recursive: true, force: true });
  }, 60_000);

  /** Runs `dm` as a person's shell would, in a process of its own. */
  async function dm(...argv: string[]): Promise<Run> {
    return dmIn({}, ...argv);
  }

  async function dmIn(environment: Record<string, string>, ...argv: string[]): Promise<Run> {
    const child = spawn(process.execPath, [join(repositoryRoot, 'dist/src/cli.js'), ...argv], {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        DM_URL: station.address,
        XDG_CONFIG_HOME: join(root, 'config'),
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = await Promise.all([readAll(child.stdout), readAll(child.stderr), once(child, 'exit')]);
    return { exitCode: child.exitCode, stdout, stderr };
  }

  async function json<T>(...argv: string[]): Promise<T> {
    const run = await dm(...argv, '--json');
    expect(run.stderr).toBe('');
    return JSON.parse(run.stdout) as T;
  }

  async function newExperiment(name: string): Promise<string> {
    expect((await dm('experiment', 'create', name)).exitCode).toBe(EXIT.ok);
    const source = join(station.detectorDirectory, name);
    await mkdir(source, { recursive: true });
    return source;
  }

  it('keeps the login of a person where only they can read it', async () => {
    expect(await json('whoami')).toMatchObject({ user: { username: 'admin' }, roles: ['administrator'] });
    const file = join(root, 'config', 'dm', 'sessions', `${encodeURIComponent(station.address)}.json`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('uploads a directory of awkward names and answers for each of them', async () => {
    const source = await newExperiment('awkward');
    const names = AWKWARD_NAMES.map((name) => withExtension(name, '.dat'));
    for (const name of names) {
      await writeFile(Buffer.concat([Buffer.from(`${source}/`), name]), name);
    }
    const upload = await dm('upload', source, '-e', 'awkward', 'sample:AgBeh', 'link:http://a:1');
    expect(upload.stderr).toBe('');
    expect(upload.stdout).toContain(`${names.length} found: ${names.length} done`);

    const { items } = await json<{ items: FileAnswer[] }>('file', 'list', '-e', 'awkward', 'sample:AgBeh');
    expect(items.map(({ path }) => path).sort()).toEqual(names.map((name) => `data/${pathToText(name)}`).sort());
    expect(items[0]?.metadata).toMatchObject({ sample: 'AgBeh', link: 'http://a:1' });

    for (const { path } of items) {
      const why = await dm('file', 'why', '-e', 'awkward', '--', path);
      expect(why.stdout).toContain('It is safe');
    }
    const bytes = names.reduce((sum, name) => sum + name.length, 0);
    expect(await json<Statistics>('stats', '-e', 'awkward')).toMatchObject({
      countFiles: names.length,
      totalBytes: bytes,
    });
  });

  it('changes metadata of a file, and finds it by that', async () => {
    const source = await newExperiment('metadata');
    await writeFile(join(source, 'a.dat'), 'a');
    await dm('upload', source, '-e', 'metadata', 'sample:A', 'old:1');
    await dm(
      'file',
      'update',
      'data/a.dat',
      'sample:B',
      '--unset',
      'old',
      '--set-json',
      '{"energy":12.4}',
      '-e',
      'metadata',
    );
    const found = await json<{ items: FileAnswer[] }>(
      'file',
      'list',
      '-e',
      'metadata',
      '--filter',
      '{"metadata.energy":{"$gt":12}}',
    );
    expect(found.items.map(({ metadata }) => metadata)).toEqual([{ sample: 'B', energy: 12.4 }]);
    const streamed = await dm('file', 'list', '-e', 'metadata', '--stream');
    expect(
      streamed.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as FileAnswer).path),
    ).toEqual(['data/a.dat']);
  });

  it('says no to a directory outside the source roots, with a reason', async () => {
    await newExperiment('outside');
    const upload = await dm('upload', '/etc', '-e', 'outside');
    expect(upload.exitCode).not.toBe(EXIT.ok);
    expect(upload.stdout).toBe('');
    expect(upload.stderr).toMatch(/^dm: [A-Z_]+: .*\n {4}request \S+\n$/);
  });

  it('runs a workflow on a file and shows what it said', async () => {
    const source = await newExperiment('jobs');
    const content = await nexusFile({
      seed: 1,
      title: 't',
      sampleName: 's',
      temperatureK: 1,
      energyKeV: 1,
      exposureSeconds: 1,
      startTime: new Date(0),
    });
    await writeFile(join(source, "it's.h5"), content);
    await dm('upload', source, '-e', 'jobs');
    await writeFile(
      join(root, 'count.json'),
      JSON.stringify({
        name: 'count',
        owner: 'admin',
        stages: { '010': { command: 'wc -c < "$filePath"; test "$ok" = yes' } },
      }),
    );
    expect((await dm('workflow', 'add', 'count.json')).stdout).toBe('Defined admin/count with 1 stage.\n');
    expect((await dm('workflow', 'add', 'count.json', '--replace')).exitCode).toBe(EXIT.ok);

    const start = ['job', 'start', 'admin/count', '-e', 'jobs', "filePath:data/it's.h5", '--wait'];
    const good = await dm(...start, 'ok:yes');
    expect(good.exitCode).toBe(EXIT.ok);
    expect(good.stdout).toContain(`out| ${content.length}`);

    const bad = await dm(...start, 'ok:no', '--json');
    expect(bad.exitCode).toBe(EXIT.workFailed);
    const { id } = JSON.parse(bad.stdout) as JobAnswer;
    expect((await dm('job', 'why', id)).stdout).toMatch(/failed/);
    const { items } = await json<{ items: JobAnswer[] }>('job', 'list', '-e', 'jobs');
    expect(items.map(({ status }) => status)).toEqual(['failed', 'done']);
  });

  it('watches a directory that is not there yet, and stops by its name', async () => {
    const source = await newExperiment('watched');
    await rm(source, { recursive: true });
    const started = await dm('daq', 'start', source, '-e', 'watched');
    expect(started.exitCode).toBe(EXIT.ok);
    expect(started.stderr).toContain('does not exist yet');
    await mkdir(source);
    await writeFile(join(source, 'scan.dat'), 'x');
    await waitFor(async () => (await json<Statistics>('stats', '-e', 'watched')).countFiles === 1);
    expect((await dm('daq', 'stop', '-e', 'watched', '--directory', source)).exitCode).toBe(EXIT.ok);
    await waitFor(async () => {
      const { items } = await json<{ items: AcquisitionAnswer[] }>('daq', 'list', '-e', 'watched');
      return items.map(({ status }) => status).join() === 'done';
    });
    expect(await readFile(join(station.storageDirectory, '99IDZ', 'watched', 'data', 'scan.dat'), 'utf8')).toBe('x');
  });

  it('follows events from the beginning', async () => {
    await newExperiment('events');
    const { stdout, exitCode } = await dm('events', '--since', '0', '--type', 'experiment.*', '--count', '1', '--json');
    expect(exitCode).toBe(EXIT.ok);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'experiment.created' });
  });

  it('lets a machine act with a token instead of a login', async () => {
    const token = (await dm('token', 'create', 'bluesky')).stdout.trim();
    const machine = { DM_TOKEN: token, XDG_CONFIG_HOME: join(root, 'nobody') };
    expect((await dmIn(machine, 'whoami')).stdout).toContain('admin');
    const { items } = await json<{ items: { id: number }[] }>('token', 'list');
    await dm('token', 'revoke', String(items[0]?.id));
    expect((await dmIn(machine, 'whoami')).exitCode).toBe(EXIT.unauthenticated);
  });

  it('manages accounts, roles and members', async () => {
    await newExperiment('people');
    await writeFile(join(root, 'password'), 'seven wet horses\n');
    await dm('user', 'add', 'ruth', '--first-name', 'Ruth', '--password-file', 'password');
    expect((await dm('user', 'role', 'add', 'ruth', 'operator')).stdout).toBe('Roles of ruth: operator.\n');
    await dm('experiment', 'member', 'add', 'people', 'ruth', '--role', 'PI');
    expect((await dm('experiment', 'show', 'people')).stdout).toContain('ruth (PI)');
    const ruth = { XDG_CONFIG_HOME: join(root, 'ruth') };
    expect((await dmIn(ruth, 'login', 'ruth', '--password-file', 'password')).exitCode).toBe(EXIT.ok);
    expect((await dmIn(ruth, 'user', 'add', 'x', '--no-password')).exitCode).toBe(EXIT.forbidden);
    expect((await dm('user', 'delete', 'ruth', '--yes')).exitCode).toBe(EXIT.ok);
    expect((await dmIn(ruth, 'whoami')).exitCode).toBe(EXIT.unauthenticated);
  });

  it('deletes only what was agreed to', async () => {
    const source = await newExperiment('doomed');
    await writeFile(join(source, 'a.dat'), 'a');
    await dm('upload', source, '-e', 'doomed');
    const refused = await dm('experiment', 'delete', 'doomed', '--force');
    expect(refused.exitCode).toBe(EXIT.notConfirmed);
    expect(refused.stderr).toContain('1 file, 1 B');
    expect((await dm('experiment', 'delete', 'doomed', '--yes')).exitCode).toBe(EXIT.conflict);
    expect((await dm('experiment', 'delete', 'doomed', '--yes', '--force')).exitCode).toBe(EXIT.ok);
    expect((await dm('experiment', 'show', 'doomed')).exitCode).toBe(EXIT.notFound);
  });

  it('adds a type of experiment and uses it', async () => {
    await dm('experiment', 'type', 'create', 'OPERANDO', '--description', 'while the sample works');
    expect((await dm('experiment', 'type', 'list')).stdout).toMatch(/OPERANDO +while the sample works/);
    await dm('experiment', 'create', 'working', '--type', 'OPERANDO', '--start-date', '2026-11-21');
    expect(await json('experiment', 'show', 'working')).toMatchObject({ type: 'OPERANDO', members: [] });
  });

  it('tells how the station is', async () => {
    expect(await json('station', 'show')).toMatchObject({ name: '99IDZ' });
    expect((await dm('station', 'health')).stdout).toMatch(/ready/);
    expect((await dm('alarm', 'list')).exitCode).toBe(EXIT.ok);
  });

  it('says what to do when no station is there', async () => {
    const run = await dmIn({ DM_URL: 'http://127.0.0.1:1' }, 'station', 'health');
    expect(run.exitCode).toBe(EXIT.unavailable);
    expect(run.stderr).toContain('npm start');
  });
});
