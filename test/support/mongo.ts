import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { freePort } from './free-port.js';
import { findMongoBinary } from './mongo-binary.js';
import { waitFor } from './wait-for.js';

/** A server that speaks MongoDB's protocol. */
export interface TestMongo {
  /** FerretDB is a substitute that lacks some things; specs name the cases that it cannot run. */
  kind: 'mongodb' | 'ferretdb';
  /** URL of a new, empty database of this spec alone. */
  url: string;
  /** Whether it is ours, so that `kill` and `restart` work; not so with `DM_TEST_MONGO_URL`. */
  isOwned: boolean;
  /** kill -9; what it has stored stays. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port and data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A suite against a real server: `DM_TEST_MONGO_URL`, else a `mongod` on the PATH, else FerretDB built by the Go
 * toolchain. Where none of them can be had the suite is skipped with one loud line and counted as skipped, in CI, too.
 */
export async function describeWithMongo(name: string, body: (mongo: () => TestMongo) => void): Promise<void> {
  const start = await findServer();
  if (typeof start === 'string') {
    console.warn(`\n!!! SKIPPED: "${name}", since ${start}. !!!\n`);
  }
  describe.skipIf(typeof start === 'string')(name, () => {
    let mongo: TestMongo | undefined;
    beforeAll(async () => {
      mongo = typeof start === 'string' ? undefined : await start();
    });
    afterAll(async () => mongo?.stop());
    body(() => {
      if (mongo === undefined) {
        throw new Error('The server is there only while tests run.');
      }
      return mongo;
    });
  });
}

/** How to start a server, or why there is none. */
async function findServer(): Promise<(() => Promise<TestMongo>) | string> {
  const given = process.env['DM_TEST_MONGO_URL'];
  if (given !== undefined && given !== '') {
    return () => Promise.resolve(givenServer(given));
  }
  const binary = await findMongoBinary();
  return binary.kind === 'none' ? binary.reason : () => startServer(binary.kind, binary.path);
}

function givenServer(given: string): TestMongo {
  const url = new URL(given);
  url.pathname = `/${databaseName()}`;
  const refuse = (): Promise<never> =>
    Promise.reject(new Error('The server of DM_TEST_MONGO_URL is not ours to kill.'));
  return {
    kind: process.env['DM_TEST_MONGO_KIND'] === 'ferretdb' ? 'ferretdb' : 'mongodb',
    url: url.href,
    isOwned: false,
    kill: refuse,
    restart: refuse,
    stop: () => Promise.resolve(),
  };
}

async function startServer(kind: 'mongod' | 'ferretdb', path: string): Promise<TestMongo> {
  const directory = await mkdtemp(join(tmpdir(), 'dm-test-mongo-'));
  const port = await freePort();
  const launch = async (): Promise<ChildProcess> => {
    const options =
      kind === 'mongod'
        ? ['--dbpath', directory, '--bind_ip', '127.0.0.1', '--port', String(port), '--quiet']
        : [`127.0.0.1:${port}`, `file:${directory}/`];
    // FerretDB writes its state file into the working directory.
    const server = spawn(path, options, { stdio: 'ignore', cwd: directory });
    server.on('error', () => undefined);
    await waitFor(() => answers(port), { timeoutMs: 30_000, what: `${kind} on port ${port}` });
    return server;
  };
  let server = await launch();
  const kill = async (): Promise<void> => {
    if (hasEnded(server)) {
      return;
    }
    server.kill('SIGKILL');
    await waitFor(() => hasEnded(server), { what: `${kind} to end` });
  };
  return {
    kind: kind === 'mongod' ? 'mongodb' : 'ferretdb',
    url: `mongodb://127.0.0.1:${port}/${databaseName()}`,
    isOwned: true,
    kill,
    restart: async () => {
      await kill();
      server = await launch();
    },
    stop: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function databaseName(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}

function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
