import { chmod, mkdir, mkdtemp, readFile, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findClusterProcesses, postmasterPid } from '../../src/platform/embedded-postgres/cluster-processes.js';
import { EmbeddedPostgres } from '../../src/platform/embedded-postgres/index.js';
import { copyClone } from '../support/clone.js';
import { createTestDatabase } from '../support/postgres.js';
import { isRunning, processTree } from '../support/process-tree.js';
import { StationProcess, type StationOptions } from '../support/station-process.js';
import { waitFor } from '../support/wait-for.js';

describe('the life of a station', () => {
  let directory: string;
  let dataDirectory: string;
  const stations: StationProcess[] = [];

  beforeEach(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'dm-life-')));
    await chmod(directory, 0o755);
    dataDirectory = join(directory, 'data');
    await mkdir(dataDirectory);
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') {
      console.error(stations.map(({ output }) => output.split('\n').slice(-40).join('\n')).join('\n---\n'));
    }
    stations.splice(0).forEach((station) => station.killTree());
    await new EmbeddedPostgres({ dataDirectory }).remove();
    await rm(directory, { recursive: true, force: true });
  });

  async function start(options: Partial<StationOptions> = {}): Promise<StationProcess> {
    const station = await StationProcess.start({ dataDirectory, ...options });
    stations.push(station);
    return station;
  }

  /** A start that must fail: how it ended. */
  async function refused(options: Partial<StationOptions>): Promise<{ code: number | null; output: string }> {
    const station = StationProcess.launch({ dataDirectory, ...options });
    stations.push(station);
    const { code } = await station.ended;
    return { code, output: station.output };
  }

  const cluster = (): string => join(dataDirectory, 'postgres', 'cluster');

  async function logIn(station: StationProcess): Promise<string> {
    const password = (await readFile(join(dataDirectory, 'admin-password'), 'utf8')).trim();
    const answer = await station.json('/api/v1/auth/login', { method: 'POST', body: { username: 'admin', password } });
    expect(answer.status).toBeLessThan(300);
    return answer.body.token as string;
  }

  test('creates an administrator on the first start, whose password only its owner can read', async () => {
    const station = await start();
    const file = join(dataDirectory, 'admin-password');
    const password = (await readFile(file, 'utf8')).trim();

    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600');
    expect(station.output).toContain(file);
    // Printed only to a terminal, which a pipe is not.
    expect(station.output).not.toContain(password);
    expect(station.output).toMatch(/\/api\/docs[^]*\/health\/ready[^]*\/metrics/);
    expect((await station.json('/health/live')).status).toBe(200);
    const login = await station.json('/api/v1/auth/login', { method: 'POST', body: { username: 'admin', password } });
    expect(login.body).toMatchObject({ passwordChangeRequired: true });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('ends cleanly on %s and leaves no process', async (signal) => {
    const station = await start();
    const tree = processTree(station.pid);
    expect(tree.length).toBeGreaterThan(3);

    expect(await station.stop(signal)).toEqual({ code: 0, signal: null });

    expect(tree.filter(isRunning)).toEqual([]);
    expect(await findClusterProcesses(cluster())).toEqual([]);
    await expect(stat(join(dataDirectory, 'station.json'))).rejects.toThrow('ENOENT');
  });

  test('leaves no process when it is told to stop in the middle of its start', async () => {
    const station = StationProcess.launch({ dataDirectory });
    stations.push(station);
    await waitFor(async () => (await findClusterProcesses(cluster())).length > 0, { timeoutMs: 60_000, everyMs: 5 });

    await station.stop('SIGTERM');

    await waitFor(async () => (await findClusterProcesses(cluster())).length === 0, { what: 'the database to end' });
    await expect(start()).resolves.toHaveProperty('isRunning', true);
  });

  test('refuses a second start on the same data directory and names the first', async () => {
    const first = await start();

    const second = await refused({});

    expect(second.code).not.toBe(0);
    expect(second.output).toContain(`process id ${first.pid}`);
    expect(second.output).toContain(first.url);
    expect((await first.json('/health/live')).status).toBe(200);
  });

  test('refuses a second start on the same database and names the first', async () => {
    const database = await createTestDatabase();
    const env = { DM_POSTGRES_URL: database.url };
    const first = await start({ env });
    const other = join(directory, 'other');
    await mkdir(other);

    const second = await refused({ dataDirectory: other, env });

    expect(second.code).not.toBe(0);
    expect(second.output).toContain(`process id ${first.pid}`);
    expect(second.output).toContain(dataDirectory);
    expect((await first.json('/health/live')).status).toBe(200);
    await first.stop();
    await database.drop();
  });

  test.each([
    ['the station alone', (station: StationProcess) => station.kill()],
    ['the station and all that it started', (station: StationProcess) => station.killTree()],
  ])('comes back with its data after a kill -9 of %s', async (_what, kill) => {
    const first = await start();
    const token = await logIn(first);
    await changePassword(first, token);
    const created = await first.json('/api/v1/users', { method: 'POST', token, body: { username: 'beamliner' } });
    expect(created.status).toBe(201);
    await kill(first);
    await first.ended;

    const again = await start();

    const token2 = await login(again, NEW_PASSWORD);
    expect((await again.json('/api/v1/users/beamliner', { token: token2 })).status).toBe(200);
    await again.stop();
    expect(await findClusterProcesses(cluster())).toEqual([]);
  });

  test('goes on when its database was killed, with a new one', async () => {
    const station = await start();
    const token = await logIn(station);
    const postmaster = (await postmasterPid(cluster())) ?? Number.NaN;

    process.kill(postmaster, 'SIGKILL');

    await waitFor(async () => !(await findClusterProcesses(cluster())).includes(postmaster), { what: 'its end' });
    await waitFor(async () => (await station.json('/health/ready')).status === 200, {
      timeoutMs: 60_000,
      what: 'the station to be ready again',
    });
    await waitFor(async () => (await station.json('/api/v1/auth/me', { token })).status === 200, {
      timeoutMs: 30_000,
      what: 'the session to be known again',
    });
    expect((await refused({})).output).toContain(`process id ${station.pid}`);
  });

  test.runIf(process.getuid?.() === 0)('works as root from a clone below a home of mode 700', async () => {
    const home = join(directory, 'home');
    await mkdir(home);
    await chmod(home, 0o700);
    const clone = await copyClone(join(home, 'dm-station'));
    dataDirectory = join(clone, '.dm');
    const modes = await modesOf(home, clone, join(clone, 'node_modules'), join(clone, 'dist'));

    const station = await start({ command: ['npm', 'start'], cwd: clone, dataDirectory });

    expect((await station.json('/health/ready')).status).toBe(200);
    expect(await station.stop()).toEqual({ code: 0, signal: null });
    expect(await modesOf(home, clone, join(clone, 'node_modules'), join(clone, 'dist'))).toEqual(modes);
    expect(modes[0]).toBe('700');
  });

  const NEW_PASSWORD = 'tomography-in-the-dark-42';

  async function changePassword(station: StationProcess, token: string): Promise<void> {
    const currentPassword = (await readFile(join(dataDirectory, 'admin-password'), 'utf8')).trim();
    const body = { currentPassword, newPassword: NEW_PASSWORD };
    expect((await station.json('/api/v1/auth/password', { method: 'POST', token, body })).status).toBeLessThan(300);
  }

  async function login(station: StationProcess, password: string): Promise<string> {
    const answer = await station.json('/api/v1/auth/login', { method: 'POST', body: { username: 'admin', password } });
    expect(answer.status).toBeLessThan(300);
    return answer.body.token as string;
  }
});

async function modesOf(...paths: string[]): Promise<string[]> {
  return Promise.all(paths.map(async (path) => ((await stat(path)).mode & 0o777).toString(8)));
}
