import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { aStation } from '../support/station.js';
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

  it('a file that shrinks while it is copied arrives as it is in the end, and as nothing else', async () => {
    const scene = await station().scene('shrinks');
    // It counts as complete as soon as it is seen, so that it is copied while it shrinks.
    const monitor = await station().monitor(scene, { quietSeconds: 0 });
    const file = join(scene.source, 'a.raw');
    const made = join(station().detector, 'a.raw.made');
    let size = 64 * 1024 ** 2;
    writeFileSync(made, Buffer.alloc(size, 1));
    renameSync(made, file);
    await waitFor(
      async () => {
        truncateSync(file, (size -= 4096));
        const [row] = await station().ledger(scene, { path: 'data/a.raw' });
        return row?.state === 'deferred';
      },
      { timeoutMs: 60_000, everyMs: 5, what: 'the change to be noticed' },
    );
    const row = await waitFor(
      async () => {
        const [newest] = await station().ledger(scene, { path: 'data/a.raw' });
        return newest?.state === 'done' ? newest : undefined;
      },
      { timeoutMs: 60_000, what: 'the file' },
    );
    // What was read before was never published, so this is the first version.
    expect(row).toMatchObject({ sizeBytes: size, version: 1 });
    expect(readFileSync(join(scene.data, 'a.raw')).equals(readFileSync(file))).toBe(true);
    await station().stopAcquisition(monitor.id);
    expect(await station().ledger(scene)).toHaveLength(1);
    expect(readdirSync(scene.data)).toEqual(['a.raw']);
  });

  it('a path of 4,095 bytes that is too long at the destination is quarantined, and says so', async () => {
    const scene = await station().scene('deep');
    writeFileSync(join(scene.source, 'short.h5'), 'x');
    const longest = longPath(scene.source);
    // Storage lies as deep as the source, and a directory of its own goes before the path there.
    const destDirectory = 'x'.repeat(200);
    const end = await station().upload(scene, { destDirectory });
    expect(end).toMatchObject({ status: 'failed', counts: { found: 2, done: 1, quarantined: 1 } });
    const why = await station().why(scene, `data/${destDirectory}/${longest}`);
    expect(why.verdict).toContain('It needs a person');
    expect(why.rows[0]).toMatchObject({ state: 'quarantined', reasonCode: 'ENAMETOOLONG' });
    expect(why.rows[0]?.reason).toMatch(/too long/i);
  });

  it('a path of 4,095 bytes that fits at the destination arrives', async () => {
    // So deep below the source root that the copy's path is shorter than its own.
    const scene = await station().scene('deep-below');
    const below = join(scene.source, 's'.repeat(250), 's'.repeat(250));
    mkdirSync(below, { recursive: true });
    const longest = longPath(below);
    const end = await station().upload({ ...scene, source: below });
    expect(end).toMatchObject({ status: 'done', counts: { found: 1, done: 1 } });
    const why = await station().why(scene, `data/${longest}`);
    expect(why.verdict).toContain('It is safe');
    expect(readFileSync(`${scene.data}/${longest}`, 'utf8')).toBe('x');
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

describe('what the station may not read', () => {
  const station = aStation({ obeysModes: true });

  it('is quarantined with the reason when it is a file, and named when it is a directory', async () => {
    const scene = await station().scene('unreadable');
    const closed = join(scene.source, 'closed.h5');
    const shut = join(scene.source, 'shut');
    writeFileSync(join(scene.source, 'open.h5'), 'x');
    writeFileSync(closed, 'x');
    mkdirSync(shut);
    writeFileSync(join(shut, 'inside.h5'), 'x');
    chmodSync(closed, 0);
    chmodSync(shut, 0);
    const end = await station().upload(scene);
    expect(end).toMatchObject({ status: 'failed', counts: { found: 2, done: 1, quarantined: 1 } });
    expect(end.errorMessage).toContain('shut (EACCES)');
    const why = await station().why(scene, 'data/closed.h5');
    expect(why.verdict).toContain('It needs a person');
    expect(why.rows[0]).toMatchObject({ state: 'quarantined', reasonCode: 'EACCES' });
    expect(why.rows[0]?.reason).toMatch(/permission denied/i);

    // A monitor says it as long as it is so, and takes both when they are opened.
    const monitor = await station().monitor(scene, { processExisting: true });
    const alarmOf = async () => (await station().alarms()).find((alarm) => alarm.key === `daq.not-taken:${monitor.id}`);
    const alarm = await waitFor(alarmOf, { timeoutMs: 20_000, what: 'the alarm' });
    expect(alarm.message).toContain('shut (EACCES)');
    chmodSync(shut, 0o700);
    chmodSync(closed, 0o600);
    await station().row(scene, 'data/shut/inside.h5', 'done');
    await waitFor(async () => (await alarmOf()) === undefined, { timeoutMs: 20_000, what: 'the end of the alarm' });
    await station().stopAcquisition(monitor.id);
    expect(await station().upload(scene)).toMatchObject({ status: 'done' });
    expect(await station().file(scene, 'data/closed.h5')).toMatchObject({ sizeBytes: 1 });
  });
});

/** Makes a file below `directory` whose absolute path has 4,095 bytes; answers it relative to the directory. */
function longPath(directory: string): string {
  const part = 'd'.repeat(200);
  let room = PATH_MAX - directory.length - 1;
  const parts: string[] = [];
  while (room > 455) {
    parts.push(part);
    room -= part.length + 1;
  }
  parts.push('d'.repeat(room - 202), 'f'.repeat(201));
  const path = parts.join('/');
  mkdirSync(join(directory, path, '..'), { recursive: true });
  writeFileSync(`${directory}/${path}`, 'x');
  expect(Buffer.byteLength(`${directory}/${path}`)).toBe(PATH_MAX);
  return path;
}
