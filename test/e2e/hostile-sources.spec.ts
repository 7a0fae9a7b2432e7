import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { pathToText } from '../../src/kernel/path-text.js';
import { aStation, type Scene } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

const isRoot = process.getuid?.() === 0;
const PATH_MAX = 4095;

describe('sources that would harm or hold a station', () => {
  const station = aStation();
  const servers: Server[] = [];
  const mounted: string[] = [];
  afterAll(() => {
    servers.forEach((server) => server.close());
    mounted.forEach((directory) => execFileSync('umount', ['-l', directory]));
  });

  const alarmOf = async (id: string) => (await station().alarms()).find((alarm) => alarm.key === `daq.not-taken:${id}`);

  /** What a monitor's alarm says it leaves, as path and code. */
  async function leftBy(id: string): Promise<string> {
    const alarm = await waitFor(() => alarmOf(id), { timeoutMs: 20_000, what: 'the alarm' });
    return alarm.message;
  }

  it('links, FIFOs, sockets and devices are left, never opened or followed, and named', async () => {
    const scene = await station().scene('special');
    writeFileSync(join(scene.source, 'data.h5'), 'x');
    symlinkSync('/etc/passwd', join(scene.source, 'passwd'));
    symlinkSync('/etc', join(scene.source, 'etc'));
    symlinkSync('..', join(scene.source, 'up'));
    symlinkSync('loop', join(scene.source, 'loop'));
    execFileSync('mkfifo', [join(scene.source, 'fifo')]);
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(join(scene.source, 'socket'), resolve));
    const special = ['passwd', 'etc', 'up', 'loop', 'fifo', 'socket'];
    if (isRoot) {
      execFileSync('mknod', [join(scene.source, 'null'), 'c', '1', '3']);
      special.push('null');
    }
    const end = await station().upload(scene);
    expect(end).toMatchObject({ status: 'done', counts: { found: 1, done: 1 } });
    expect(end.errorMessage).toContain(`${special.length} entries of the directory were not taken`);

    const monitor = await station().monitor(scene, { processExisting: true });
    const message = await leftBy(monitor.id);
    expect(message).toContain(`${special.length} entries`);
    expect(message).toMatch(/SYMBOLIC_LINK|NOT_A_REGULAR_FILE/);
    await station().stopAcquisition(monitor.id);
    expect((await station().files(scene)).map((file) => file.path)).toEqual(['data/data.h5']);
  });

  it('a FIFO put in the place of a file that settles is given up, and holds nothing', async () => {
    const scene = await station().scene('fifo');
    const monitor = await station().monitor(scene, { quietSeconds: 1 });
    writeFileSync(join(scene.source, 'a.h5'), 'x');
    await station().row(scene, 'data/a.h5', 'settling');
    execFileSync('rm', [join(scene.source, 'a.h5')]);
    execFileSync('mkfifo', [join(scene.source, 'a.h5')]);
    writeFileSync(join(scene.source, 'b.h5'), 'x');
    await station().row(scene, 'data/b.h5', 'done');
    expect(await station().row(scene, 'data/a.h5', 'skipped')).toMatchObject({ reasonCode: 'source-vanished' });
    await station().stopAcquisition(monitor.id);
  });

  it.skipIf(!isRoot)('a directory mounted below itself is entered once', async () => {
    const scene = await station().scene('loop');
    mkdirSync(join(scene.source, 'a/loop'), { recursive: true });
    writeFileSync(join(scene.source, 'a/1.h5'), 'x');
    execFileSync('mount', ['--bind', join(scene.source, 'a'), join(scene.source, 'a/loop')]);
    mounted.push(join(scene.source, 'a/loop'));
    const end = await station().upload(scene);
    expect(end).toMatchObject({ status: 'done', counts: { found: 1, done: 1 } });
    expect(end.errorMessage).toContain('a/loop (DIRECTORY_LOOP)');
  });

  it('a file that shrinks while it is taken arrives as it is in the end', async () => {
    const scene = await station().scene('shrinks');
    const monitor = await station().monitor(scene);
    const file = join(scene.source, 'a.raw');
    writeFileSync(file, Buffer.alloc(64 * 1024 ** 2, 1));
    for (let size = 60; size >= 4; size -= 4) {
      truncateSync(file, size * 1024 ** 2);
      await pause(50);
    }
    const row = await waitFor(
      async () => {
        const [newest] = await station().ledger(scene, { path: 'data/a.raw' });
        return newest?.state === 'done' && newest.sizeBytes === 4 * 1024 ** 2 ? newest : undefined;
      },
      { timeoutMs: 60_000, what: 'the last version' },
    );
    expect(row.sizeBytes).toBe(4 * 1024 ** 2);
    expect(readFileSync(join(scene.data, 'a.raw')).equals(readFileSync(file))).toBe(true);
    await station().stopAcquisition(monitor.id);
  });

  it('a path of 4,095 bytes has an outcome that says what to do', { timeout: 120_000 }, async () => {
    const scene = await station().scene('deep');
    writeFileSync(join(scene.source, 'short.h5'), 'x');
    const longest = longPath(scene);
    const { id } = await station().startAcquisition({
      kind: 'upload',
      experiment: scene.experiment,
      dataDirectory: scene.source,
      quietSeconds: 0,
    });
    const end = await station().ended(id, 90_000);
    expect(end.counts).toMatchObject({ found: 2 });
    const why = await station().why(scene, `data/${longest}`);
    // At the destination, whose own directory is longer or shorter, it fits or it does not.
    const destination = `${scene.data}/${longest}`;
    if (destination.length < PATH_MAX - 100) {
      expect(why.verdict).toContain('It is safe');
    } else if (!why.verdict.includes('It is safe')) {
      expect(end).toMatchObject({ status: 'failed', counts: { done: 1, quarantined: 1 } });
      expect(why.verdict).toContain('It needs a person');
      expect(why.rows[0]?.reason).toMatch(/too long|ENAMETOOLONG/i);
    }
  });

  it('takes a hundred thousand files of one directory', { timeout: 600_000 }, async () => {
    const scene = await station().scene('wide');
    const files = 100_000;
    for (let at = 0; at < files; at += 1) {
      writeFileSync(join(scene.source, `${at}.tif`), '');
      if (at % 1000 === 0) {
        await pause(1); // the connection to the station wants to be looked after
      }
    }
    const { id } = await station().startAcquisition({
      kind: 'upload',
      experiment: scene.experiment,
      dataDirectory: scene.source,
      quietSeconds: 0,
    });
    expect(await station().ended(id, 540_000)).toMatchObject({ status: 'done', counts: { found: files, done: files } });
  });
});

describe('files that the station may not read', () => {
  // As another account, since root may read everything; as such an account, by the file's mode.
  const station = aStation({ env: { DM_DAQ_MAX_ATTEMPTS: '2' } });

  it.skipIf(isRoot)('are quarantined with the reason, and directories are named', async () => {
    const scene = await station().scene('unreadable');
    writeFileSync(join(scene.source, 'open.h5'), 'x');
    writeFileSync(join(scene.source, 'closed.h5'), 'x');
    mkdirSync(join(scene.source, 'shut'));
    chmodSync(join(scene.source, 'closed.h5'), 0);
    chmodSync(join(scene.source, 'shut'), 0);
    const end = await station().upload(scene);
    chmodSync(join(scene.source, 'shut'), 0o700);
    expect(end).toMatchObject({ status: 'failed', counts: { done: 1, quarantined: 1 } });
    expect(end.errorMessage).toContain('shut (EACCES)');
    expect((await station().why(scene, 'data/closed.h5')).rows[0]?.reason).toMatch(/EACCES|permission/i);
  });
});

/** A file whose absolute path in the source has 4,095 bytes; answers it relative to the source. */
function longPath(scene: Scene): string {
  const part = 'd'.repeat(200);
  let room = PATH_MAX - scene.source.length - 1;
  const parts: string[] = [];
  while (room > 455) {
    parts.push(part);
    room -= part.length + 1;
  }
  parts.push('d'.repeat(room - 202), 'f'.repeat(201));
  const path = parts.join('/');
  mkdirSync(join(scene.source, path, '..'), { recursive: true });
  const fd = openSync(`${scene.source}/${path}`, 'w');
  writeSync(fd, 'x');
  closeSync(fd);
  expect(`${scene.source}/${path}`).toHaveLength(PATH_MAX);
  return pathToText(Buffer.from(path));
}
