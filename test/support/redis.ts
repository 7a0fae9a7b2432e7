import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { freePort } from './free-port.js';
import { waitFor } from './wait-for.js';

/** A real Redis that a spec may kill. */
export interface TestRedis {
  url: string;
  /** Whether it is ours, so that `kill` and `restart` work; not so with `DM_TEST_REDIS_URL`. */
  isOwned: boolean;
  /** kill -9; what it held is lost. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, empty, on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Why there is no Redis to test with; `undefined` when there is one. */
export function whyNoRedis(): string | undefined {
  if (givenUrl() !== undefined) {
    return undefined;
  }
  const found = spawnSync('redis-server', ['--version'], { stdio: 'ignore' });
  return found.status === 0 ? undefined : 'there is no redis-server on the PATH and DM_TEST_REDIS_URL is not set';
}

/**
 * A suite that needs a real Redis. Without one it is skipped with one loud line and counted as skipped; where `CI` is
 * set it fails instead, since there nobody reads the line.
 */
export function describeWithRedis(name: string, body: (redis: () => TestRedis) => void): void {
  const reason = whyNoRedis();
  const isCi = ['1', 'true'].includes(process.env['CI'] ?? '');
  if (reason !== undefined && isCi) {
    test(name, () => {
      throw new Error(`Cannot be tested: ${reason}.`);
    });
    return;
  }
  if (reason !== undefined) {
    console.warn(`\n!!! SKIPPED: "${name}" since ${reason}. !!!\n`);
  }
  describe.skipIf(reason !== undefined)(name, () => {
    let redis: TestRedis | undefined;
    beforeAll(async () => {
      redis = await startRedis();
    });
    afterAll(async () => redis?.stop());
    body(() => {
      if (redis === undefined) {
        throw new Error('Redis is there only while tests run.');
      }
      return redis;
    });
  });
}

/** A redis-server of our own on a free port, or the one that `DM_TEST_REDIS_URL` names. */
export async function startRedis(): Promise<TestRedis> {
  const given = givenUrl();
  if (given !== undefined) {
    const refuse = (): Promise<never> =>
      Promise.reject(new Error('The Redis of DM_TEST_REDIS_URL is not ours to kill.'));
    return { url: given, isOwned: false, kill: refuse, restart: refuse, stop: () => Promise.resolve() };
  }
  const directory = await mkdtemp(join(tmpdir(), 'dm-test-redis-'));
  const port = await freePort();
  let server = await launch(port, directory);
  const kill = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL');
      await waitFor(() => server.exitCode !== null || server.signalCode !== null, { what: 'redis-server to end' });
    }
  };
  return {
    url: `redis://127.0.0.1:${port}/0`,
    isOwned: true,
    kill,
    restart: async () => {
      await kill();
      server = await launch(port, directory);
    },
    stop: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function givenUrl(): string | undefined {
  const given = process.env['DM_TEST_REDIS_URL'];
  return given === '' ? undefined : given;
}

async function launch(port: number, directory: string): Promise<ChildProcess> {
  const options = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory];
  const server = spawn('redis-server', [...options, '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
  server.on('error', () => undefined);
  await waitFor(() => answers(port), { timeoutMs: 20_000, what: `redis-server on port ${port}` });
  return server;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(false));
  });
}
