import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DemoReport } from '../../src/tools/demo/demo-report.js';
import { repositoryRoot } from '../support/repository-root.js';

describe('npm run demo', () => {
  let directory: string;
  let exitCode: number | null;
  let output: string;
  let report: DemoReport;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dm-demo-test-'));
    const environment = {
      ...process.env,
      DM_DATA_DIR: join(directory, 'caller'),
      // The caller's own station has nothing to do with the demo's.
      DM_POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/nothing',
      TMPDIR: directory,
    };
    const demo = spawn(process.execPath, [join(repositoryRoot, 'dist/src/tools/demo/main.js')], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [text] = await Promise.all([readAll(demo.stdout), once(demo, 'exit')]);
    exitCode = demo.exitCode;
    output = text;
    report = JSON.parse(await readFile(join(directory, 'caller', 'demo', 'report.json'), 'utf8')) as DemoReport;
  }, 240_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('holds every check and says so by its exit code', () => {
    expect(report.checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(report.error).toBeNull();
    expect({ exitCode, passed: report.passed }).toEqual({ exitCode: 0, passed: true });
    expect(report.checks.length).toBeGreaterThan(10);
  });

  it('reports each file with size, digest, state and how long it took', () => {
    expect(report.files.length).toBeGreaterThan(20);
    for (const file of report.files) {
      expect(file).toMatchObject({
        state: 'done',
        version: 1,
        md5Sum: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      });
      expect(file.secondsFromCompleteToCataloged).toEqual(expect.any(Number));
    }
  });

  it('reports each job with its three stages', () => {
    const inputs = report.files.map(({ path }) => path).filter((path) => /^data\/area\/.*\.(h5|hdf5|nxs)$/.test(path));
    expect(report.jobs.map(({ file }) => file).sort()).toEqual(inputs.sort());
    for (const job of report.jobs) {
      expect(job.status).toBe('done');
      expect(job.stages.map(({ exitStatus }) => exitStatus)).toEqual([0, 0, 0]);
    }
  });

  it('writes under names that break careless tools', () => {
    const names = report.files.map(({ path }) => path);
    for (const name of ['two\\x0alines.h5', '-rf.h5', 'a; touch PWNED.h5', 'latin1\\xe9\\xff.h5', 'café 日本 🔬.h5']) {
      expect(names).toContain(`data/area/${name}`);
    }
  });

  it('shows a scientist what there is to see, in plain text where no terminal is', () => {
    expect(output).toContain('It is safe: version 1');
    expect(output).toContain('020-DIGEST  done');

    expect(output).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('leaves nothing behind', () => {
    const folder = /folder (\/\S+),/.exec(output)?.[1];
    expect(folder?.startsWith(directory)).toBe(true);
    expect(existsSync(folder ?? '')).toBe(false);
  });
});
