import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acquireInstance, type InstanceLock } from '../../src/platform/instance/index.js';
import { waitFor } from '../support/wait-for.js';

describe('acquireInstance', () => {
  let directory: string;
  const locks: InstanceLock[] = [];
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dm-instance-'));
  });

  afterEach(async () => {
    children.splice(0).forEach((child) => child.kill('SIGKILL'));
    await Promise.all(locks.splice(0).map((lock) => lock.release()));
    await rm(directory, { recursive: true, force: true });
  });

  async function acquire(path = directory): Promise<InstanceLock> {
    const lock = await acquireInstance(path);
    locks.push(lock);
    return lock;
  }

  test('refuses a second holder and names the first with what it told last', async () => {
    const first = await acquire();
    await first.update({ url: 'http://127.0.0.1:22236' });

    await expect(acquire()).rejects.toMatchObject({
      kind: 'conflict',
      code: 'STATION_ALREADY_RUNNING',
      message: expect.stringMatching(`process id ${process.pid} on .* at http://127.0.0.1:22236`) as string,
      details: { holder: { pid: process.pid, url: 'http://127.0.0.1:22236' } },
    });
  });

  test('sees through another path to the same directory', async () => {
    await acquire();
    const link = `${directory}-link`;
    await symlink(directory, link);

    await expect(acquire(link)).rejects.toThrow(/is in use by the station with process id/);
    await rm(link);
  });

  test('is free again after release, and leaves no file', async () => {
    await (await acquire()).release();

    await expect(readFile(join(directory, 'station.json'))).rejects.toThrow('ENOENT');
    await expect(acquire()).resolves.toHaveProperty('facts.pid', process.pid);
  });

  test('waits for a holder that says that it is stopping', async () => {
    const first = await acquire();
    await first.update({ isStopping: true });
    const second = acquire();
    // Longer than the patience with a holder that runs on.
    setTimeout(() => void first.release(), 2_500);

    await expect(second).resolves.toHaveProperty('facts.pid', process.pid);
  });

  test('is free the moment that its holder is killed, whatever file was left', async () => {
    const holder = await holderProcess();
    const { facts } = await expectRefused();
    expect(facts.pid).toBe(holder.pid);

    holder.kill('SIGKILL');

    const lock = await waitFor(() => acquire(), { timeoutMs: 2_000, what: 'the directory to be free' });
    expect(lock.facts.pid).toBe(process.pid);
  });

  test('still refuses, naming it from its file, while the holder is stopped and cannot answer', async () => {
    const holder = await holderProcess();
    holder.kill('SIGSTOP');

    const { facts } = await expectRefused();

    expect(facts.pid).toBe(holder.pid);
  });

  test('refuses while a station on another machine keeps its file alive, and takes over when that falls silent', async () => {
    const file = join(directory, 'station.json');
    await writeFile(
      file,
      JSON.stringify({ pid: 4711, host: 'sec99', url: null, since: '2026-11-21T00:00:00Z', place: 'sec99' }),
    );
    const beat = setInterval(() => void utimes(file, new Date(), new Date()), 500);

    await expect(acquire()).rejects.toThrow(/process id 4711 on sec99/);
    clearInterval(beat);

    await expect(acquire()).resolves.toHaveProperty('facts.pid', process.pid);
  });

  async function expectRefused(): Promise<{ facts: { pid: number } }> {
    const error = await acquire().then(
      () => undefined,
      (reason: unknown) => reason as { details: { holder: { pid: number } } },
    );
    return { facts: error?.details.holder ?? { pid: -1 } };
  }

  /** Another process that holds the directory, with a socket and a file such as ours. */
  async function holderProcess(): Promise<ChildProcess> {
    const { socketAddress } = await import('../../src/platform/instance/instance-socket.js');
    const { hostname } = await import('node:os');
    const address = await socketAddress(directory);
    const program = `
      const facts = { pid: process.pid, host: ${JSON.stringify(hostname())}, url: null, since: new Date().toISOString() };
      const place = facts.host + ' ' + require('fs').readlinkSync('/proc/self/ns/net');
      require('fs').writeFileSync(process.argv[1], JSON.stringify({ ...facts, place }));
      require('net').createServer((socket) => socket.end(JSON.stringify(facts))).listen(process.argv[2].replace('@', '\\0'), () => console.log('held'));`;
    const child = spawn(
      process.execPath,
      ['-e', program, join(directory, 'station.json'), address.replace('\0', '@')],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    children.push(child);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await waitFor(() => said.includes('held'), { what: 'the other process to hold the directory' });
    return child;
  }
});
