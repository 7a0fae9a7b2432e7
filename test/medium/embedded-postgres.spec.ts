import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { locateBinaries } from '../../src/platform/embedded-postgres/binaries.js';
import { findClusterProcesses } from '../../src/platform/embedded-postgres/cluster-processes.js';
import { EmbeddedPostgres, type EmbeddedPostgresOptions } from '../../src/platform/embedded-postgres/index.js';
import { chooseAccount } from '../../src/platform/embedded-postgres/os-account.js';
import { waitFor } from '../support/wait-for.js';

const isRoot = process.getuid?.() === 0;

interface State {
  clusterDirectory: string;
  port: number;
}

describe('EmbeddedPostgres', () => {
  let directory: string;
  let dataDirectory: string;
  const servers: EmbeddedPostgres[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dm-embedded-'));
    await chmod(directory, 0o711);
    dataDirectory = join(directory, 'data');
    await mkdir(dataDirectory);
  });

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.remove().catch(() => undefined)));
    await rm(directory, { recursive: true, force: true });
  });

  function server(options: Partial<EmbeddedPostgresOptions> = {}): EmbeddedPostgres {
    const made = new EmbeddedPostgres({ dataDirectory, runtimeDirectory: join(directory, 'runtime'), ...options });
    servers.push(made);
    return made;
  }

  const state = async (): Promise<State> =>
    JSON.parse(await readFile(join(dataDirectory, 'postgres', 'state.json'), 'utf8')) as State;

  test('launches a server again that is killed as it starts', async () => {
    const first = server();
    await first.start();
    await first.stop();
    const clusterDirectory = resolve(await realpath(dataDirectory), (await state()).clusterDirectory);

    // Each connection waits so long before it is let in: the kill comes before the first answer, however busy we are.
    const second = server({ settings: { pre_auth_delay: '1' } });
    const starting = second.start();
    const [pid] = await waitFor(
      async () => {
        const found = await findClusterProcesses(clusterDirectory);
        return found.length > 0 ? found : undefined;
      },
      { everyMs: 1, what: 'the server to be launched' },
    );
    process.kill(pid ?? -1, 'SIGKILL');

    const { url } = await starting;
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(second.pid).not.toBe(pid);
  });

  test('keeps data, password and port over a stop and a start', async () => {
    const first = server();
    const { url } = await first.start();
    await query(url, 'CREATE TABLE scan (id int)');
    await query(url, 'INSERT INTO scan VALUES (7)');
    await first.stop();

    const again = await server().start();

    expect(again.url).toBe(url);
    expect(await query(again.url, 'SELECT id FROM scan')).toEqual([{ id: 7 }]);
  });

  test('leaves no process behind when it is stopped, even while clients are busy', async () => {
    const postgres = server();
    const { url } = await postgres.start();
    const client = await connect(url);
    const busy = client.query('SELECT pg_sleep(60)').catch(() => 'disconnected');

    await postgres.stop();

    expect(await busy).toBe('disconnected');
    expect(await findClusterProcesses(join(dataDirectory, 'postgres', 'cluster'))).toEqual([]);
  });

  test('runs durable and takes its password from a file that only we can read', async () => {
    const { url } = await server().start();

    expect(await query(url, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    expect(await query(url, 'SHOW full_page_writes')).toEqual([{ full_page_writes: 'on' }]);
    expect(await query(url, 'SHOW data_checksums')).toEqual([{ data_checksums: 'on' }]);
    expect(((await stat(join(dataDirectory, 'postgres', 'password'))).mode & 0o777).toString(8)).toBe('600');
    const wrong = new URL(url);
    wrong.password = 'guess';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  test('restarts a server that was killed, under the same URL and with the committed rows', async () => {
    let restarts = 0;
    const reasons: string[] = [];
    const postgres = server({ onRestart: () => (restarts += 1), onDown: ({ reason }) => reasons.push(reason) });
    const { url } = await postgres.start();
    await query(url, 'CREATE TABLE scan (id int)');

    for (const round of [1, 2]) {
      await query(url, `INSERT INTO scan VALUES (${round})`);
      process.kill(postgres.pid ?? 0, 'SIGKILL');
      await waitFor(() => restarts === round, { timeoutMs: 60_000, what: 'the restart' });
    }

    expect(reasons).toEqual(['signal SIGKILL', 'signal SIGKILL']);
    expect(await query(url, 'SELECT count(*)::int AS n FROM scan')).toEqual([{ n: 2 }]);
  });

  test('stops an orphaned server of a station that was killed, and starts its own', async () => {
    const { url } = await startedThenStopped();
    const orphan = await launchOrphan((await state()).port);
    const cluster = join(dataDirectory, 'postgres', 'cluster');
    const said: string[] = [];

    const again = await server({ log: (message) => said.push(message) }).start();

    expect(again.url).toBe(url);
    expect(said.join()).toMatch(/Stopped \d+ processes/);
    expect(await findClusterProcesses(cluster)).not.toContain(orphan);
  });

  test('clears away backends that outlived a killed postmaster', async () => {
    await startedThenStopped();
    const orphan = await launchOrphan((await state()).port);
    const cluster = join(dataDirectory, 'postgres', 'cluster');
    const backends = (await findClusterProcesses(cluster)).filter((pid) => pid !== orphan);
    // Stopped, they cannot notice that the postmaster is gone, as a backend in the middle of a long computation.
    backends.forEach((pid) => process.kill(pid, 'SIGSTOP'));
    process.kill(orphan, 'SIGKILL');
    expect(backends.length).toBeGreaterThan(2);

    const { url } = await server().start();

    expect((await findClusterProcesses(cluster)).filter((pid) => backends.includes(pid))).toEqual([]);
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('starts although postmaster.pid names a process that is something else by now', async () => {
    await startedThenStopped();
    const file = join(dataDirectory, 'postgres', 'cluster', 'postmaster.pid');
    await writeFile(file, `${process.pid}\n/nowhere\n1\n5432\n\n127.0.0.1\n`);

    await expect(server().start()).resolves.toHaveProperty('url');
  });

  test('begins again when initdb was interrupted', async () => {
    const unfinished = join(dataDirectory, 'postgres', 'cluster.unfinished');
    await mkdir(unfinished, { recursive: true });
    await writeFile(join(unfinished, 'PG_VERSION'), '18\n');

    const { url } = await server().start();

    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await expect(stat(unfinished)).rejects.toThrow('ENOENT');
  });

  test('takes another port when its own is taken, and remembers that', async () => {
    await startedThenStopped();
    const { port } = await state();
    const intruder = createServer().listen(port, '127.0.0.1');
    await once(intruder, 'listening');

    const { url } = await server().start();
    intruder.close();

    expect(new URL(url).port).not.toBe(String(port));
    expect((await state()).port).toBe(Number(new URL(url).port));
  });

  test('refuses a cluster of another major version and says what to do', async () => {
    await startedThenStopped();
    await writeFile(join(dataDirectory, 'postgres', 'cluster', 'PG_VERSION'), '12\n');

    await expect(server().start()).rejects.toMatchObject({
      code: 'POSTGRES_MAJOR_VERSION_MISMATCH',
      message: expect.stringContaining('made by PostgreSQL 12') as string,
    });
  });

  test('says in one sentence why the server does not start', async () => {
    await expect(server({ settings: { shared_buffers: 'plenty' } }).start()).rejects.toThrow(/shared_buffers/);
  });

  test.runIf(isRoot)('runs as an account that is not root', async () => {
    const postgres = server();
    await postgres.start();

    expect((await stat(`/proc/${postgres.pid}`)).uid).not.toBe(0);
  });

  describe.runIf(isRoot)('as root, with the data directory below a home of mode 700', () => {
    beforeEach(async () => {
      dataDirectory = join(directory, 'home', '.dm');
      await mkdir(dataDirectory, { recursive: true });
      await chmod(join(directory, 'home'), 0o700);
    });

    test('puts the cluster where the account can reach it, and leaves the home as it is', async () => {
      const { url } = await server().start();

      expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      expect((await state()).clusterDirectory).toMatch(new RegExp(`^${directory}/runtime/clusters/`));
      expect(((await stat(join(directory, 'home'))).mode & 0o777).toString(8)).toBe('700');
    });

    test('finds the same database again, also when the record of its place is lost', async () => {
      const first = server();
      const { url } = await first.start();
      await query(url, 'CREATE TABLE scan (id int)');
      await first.stop();
      await rm(join(dataDirectory, 'postgres', 'state.json'));

      const again = await server().start();

      expect(await query(again.url, 'SELECT count(*)::int AS n FROM scan')).toEqual([{ n: 0 }]);
    });

    test('clears away what a station in a temporary folder that is gone has left', async () => {
      const gone = join(directory, 'runtime', 'clusters', 'feedfeedfeedfeed');
      const kept = join(directory, 'runtime', 'clusters', 'beefbeefbeefbeef');
      for (const [path, dataDirectoryOfIt] of [
        [gone, '/tmp/dm-no-such-folder/data'],
        [kept, '/no-such-mount/beamline/data'],
      ] as const) {
        await mkdir(join(path, 'cluster'), { recursive: true });
        await writeFile(
          join(path, 'station.json'),
          JSON.stringify({ dataDirectory: dataDirectoryOfIt, instanceId: 'x' }),
        );
      }

      await server().start();

      await expect(stat(gone)).rejects.toThrow('ENOENT');
      await expect(stat(kept)).resolves.toBeTruthy();
    });

    test('refuses a copy of the data directory, whose database is the one of the original', async () => {
      await server().start();
      const copy = join(directory, 'home', 'copy');
      await cp(dataDirectory, copy, { recursive: true });

      await expect(server({ dataDirectory: copy }).start()).rejects.toMatchObject({
        code: 'POSTGRES_CLUSTER_OF_ANOTHER',
      });
    });
  });

  async function startedThenStopped(): Promise<{ url: string }> {
    const first = server();
    const started = await first.start();
    await first.stop();
    return started;
  }

  /** A server on our cluster that is nobody's child, as a station that was killed -9 leaves it. */
  async function launchOrphan(port: number): Promise<number> {
    const account = await chooseAccount();
    const { postgres } = await locateBinaries(account, () => Promise.resolve(directory));
    const cluster = join(dataDirectory, 'postgres', 'cluster');
    const options = ['-D', cluster, '-c', `port=${port}`, '-c', 'unix_socket_directories='];
    const child = spawn(postgres, options, {
      cwd: '/',
      detached: true,
      stdio: 'ignore',
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    });
    child.unref();
    const password = (await readFile(join(dataDirectory, 'postgres', 'password'), 'utf8')).trim();
    await waitFor(() => query(`postgres://dm:${password}@127.0.0.1:${port}/postgres`, 'SELECT 1'), {
      timeoutMs: 30_000,
      what: 'the orphan to answer',
    });
    return child.pid ?? 0;
  }
});

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = await connect(url);
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}
