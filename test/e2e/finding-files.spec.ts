import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { aStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

const DIRECTORIES = 10_000;
const DAY = 86_400_000;

describe('finding files with events', () => {
  // Where no disk holds up who writes.
  const memory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'dm-finding-'));
  const station = aStation({ env: { DM_SOURCE_ROOTS: `${memory}:${realpathSync(tmpdir())}` } });
  afterAll(() => rmSync(memory, { recursive: true }));

  it('misses none of ten thousand directories that are made and filled in memory, as fast as that goes (about a second)', async () => {
    const scene = { ...(await station().scene('many')), source: memory };
    const monitor = await station().monitor(scene, { quietSeconds: 0.5 });
    for (let at = 0; at < DIRECTORIES; at += 1) {
      const directory = join(scene.source, `d${at}`);
      mkdirSync(directory);
      writeFileSync(join(directory, 'a.tif'), String(at));
    }
    const found = await waitFor(
      async () => {
        const { counts } = await station().acquisition(monitor.id);
        return counts.done === DIRECTORIES ? counts : undefined;
      },
      { timeoutMs: 180_000, everyMs: 500, what: 'ten thousand files to be done' },
    );
    expect(found).toMatchObject({ found: DIRECTORIES, quarantined: 0, skipped: 0 });
    // Watched, too: what comes later into one of them is found without waiting for a pass.
    writeFileSync(join(scene.source, 'd17/b.tif'), 'x');
    await station().row(scene, 'data/d17/b.tif', 'done');
    await station().stopAcquisition(monitor.id);
  });

  it('waits for the marker file, says so, and takes both', async () => {
    const scene = await station().scene('marker');
    const monitor = await station().monitor(scene, { settle: { rule: 'marker', marker: '{name}.done' } });
    writeFileSync(join(scene.source, 'a.h5'), 'x');
    const waiting = await waitFor(
      async () => {
        const { verdict } = await station().why(scene, 'data/a.h5');
        return verdict.includes('marker') ? verdict : undefined;
      },
      { what: 'the reason' },
    );
    expect(waiting).toContain('waits for its marker file a.h5.done');
    writeFileSync(join(scene.source, 'a.h5.done'), '');
    await station().row(scene, 'data/a.h5', 'done');
    await station().row(scene, 'data/a.h5.done', 'done');
    await station().stopAcquisition(monitor.id);
  });

  it('waits for the size that was announced', async () => {
    const scene = await station().scene('size');
    const monitor = await station().monitor(scene, { settle: { rule: 'size', sizeFile: '{name}.size' } });
    writeFileSync(join(scene.source, 'a.raw.size'), '10\n');
    writeFileSync(join(scene.source, 'a.raw'), '12345');
    await waitFor(async () => (await station().why(scene, 'data/a.raw')).verdict.includes('5 of the 10 bytes'), {
      what: 'the reason',
    });
    writeFileSync(join(scene.source, 'a.raw'), '1234567890');
    expect(await station().row(scene, 'data/a.raw', 'done')).toMatchObject({ sizeBytes: 10, version: 1 });
    await station().stopAcquisition(monitor.id);
  });

  it('takes a renamed file at once, and none under a temporary name', async () => {
    const scene = await station().scene('rename');
    const monitor = await station().monitor(scene, { quietSeconds: 3600, settle: { rule: 'rename' } });
    writeFileSync(join(scene.source, 'a.h5.tmp'), 'all of it');
    renameSync(join(scene.source, 'a.h5.tmp'), join(scene.source, 'a.h5'));
    writeFileSync(join(scene.source, 'b.h5.part'), 'half');
    await station().row(scene, 'data/a.h5', 'done');
    await station().stopAcquisition(monitor.id);
    expect((await station().ledger(scene)).map((row) => row.path)).toEqual(['data/a.h5']);
  });

  it('names files with temporary names at the end of an upload', async () => {
    const scene = await station().scene('temporary');
    writeFileSync(join(scene.source, 'a.h5'), 'x');
    writeFileSync(join(scene.source, 'b.h5.part'), 'half');
    expect(await station().upload(scene)).toMatchObject({
      status: 'done',
      counts: { done: 1 },
      errorMessage: expect.stringContaining('b.h5.part (TEMPORARY_NAME)') as string,
    });
  });

  it('gives an empty file more time to fill', async () => {
    const scene = await station().scene('empty');
    const monitor = await station().monitor(scene, { quietSeconds: 0.3, settle: { emptyQuietSeconds: 5 } });
    writeFileSync(join(scene.source, 'fills.h5'), '');
    await station().row(scene, 'data/fills.h5', 'settling');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await station().ledger(scene)).toMatchObject([{ state: 'settling' }]);
    writeFileSync(join(scene.source, 'fills.h5'), 'x');
    expect(await station().row(scene, 'data/fills.h5', 'done')).toMatchObject({ version: 1, sizeBytes: 1 });
    await station().stopAcquisition(monitor.id);
  });

  it.each([
    [{ rule: 'marker' }, 'settle.marker'],
    [{ rule: 'marker', marker: '../{name}' }, 'plain relative path'],
    [{ rule: 'size' }, 'settle.sizeFile'],
    [{ marker: '{name}.done' }, 'is for the rule marker'],
  ])('refuses the rule %j and says why', async (settle, message) => {
    const started = station().startAcquisition({
      kind: 'monitor',
      experiment: 'marker',
      dataDirectory: station().detector,
      settle,
    });
    await expect(started).rejects.toMatchObject({
      code: 'SETTLE_INVALID',
      message: expect.stringContaining(message) as string,
    });
  });

  it('says which kind of file system files come from', async () => {
    const scene = await station().scene('kind');
    const { id } = await station().monitor(scene);
    expect(await station().acquisition(id)).toMatchObject({
      fileSystem: execFileSync('stat', ['-f', '-c', '%T', scene.source]).toString().includes('tmpfs')
        ? 'tmpfs'
        : expect.stringMatching(/^\w+$/),
      usesEvents: true,
    });
    await station().stopAcquisition(id);
  });
});

describe('finding files without events', () => {
  const station = aStation({ env: { DM_DAQ_WATCH_DIRECTORIES: 'false' } });

  it('finds new files, new directories, and a file that was rewritten in place with the same size', async () => {
    const scene = await station().scene('no-events');
    const monitor = await station().monitor(scene);
    mkdirSync(join(scene.source, 'a/b'), { recursive: true });
    writeFileSync(join(scene.source, 'a/b/1.tif'), 'old');
    expect(await station().row(scene, 'data/a/b/1.tif', 'done')).toMatchObject({ version: 1 });
    const { mtime } = statSync(join(scene.source, 'a/b'));
    writeFileSync(join(scene.source, 'a/b/1.tif'), 'new');
    expect(statSync(join(scene.source, 'a/b')).mtime).toEqual(mtime);
    await waitFor(async () => (await station().file(scene, 'data/a/b/1.tif')).version === 2, {
      what: 'the second version',
    });
    await station().stopAcquisition(monitor.id);
  });

  it('finds a file that came without changing the time of its directory', async () => {
    const scene = await station().scene('grain');
    const stamp = new Date(Date.now() - DAY);
    const monitor = await station().monitor(scene);
    utimesSync(scene.source, stamp, stamp);
    writeFileSync(join(scene.source, '1.tif'), 'x');
    utimesSync(scene.source, stamp, stamp);
    await station().row(scene, 'data/1.tif', 'done');
    writeFileSync(join(scene.source, '2.tif'), 'x');
    utimesSync(scene.source, stamp, stamp);
    await station().row(scene, 'data/2.tif', 'done');
    await station().stopAcquisition(monitor.id);
  });
});

describe('a tree with more files than are walked each time', () => {
  const FILES = 6000;
  const SWEEP_SECONDS = 10;
  /**
   * After a sweep has found a file it settles and is copied. One that was swept just before it was rewritten is found
   * almost a period later; a sweep that took twice its period, or of which every second one came, would be too late.
   */
  const AFTERWARDS_SECONDS = 6;
  const station = aStation({
    env: { DM_DAQ_WATCH_DIRECTORIES: 'false', DM_DAQ_SWEEP_SECONDS: String(SWEEP_SECONDS) },
  });

  it('is swept within the stated time for files that were rewritten in place', async () => {
    const scene = await station().scene('sweep');
    for (let at = 0; at < FILES; at += 1) {
      if (at % 100 === 0) {
        mkdirSync(join(scene.source, `d${at / 100}`));
      }
      writeFileSync(join(scene.source, `d${Math.floor(at / 100)}/${at}.tif`), 'old');
    }
    const monitor = await station().monitor(scene, { processExisting: true });
    await station().counted(monitor.id, 'done', FILES);
    // Twice, so that wherever the sweep stands at the first time, it stands elsewhere at the second.
    for (const version of [2, 3]) {
      const rewritten = ['d0/1.tif', 'd30/3050.tif', `d59/${FILES - 1}.tif`];
      const rewrittenAt = performance.now();
      rewritten.forEach((path) => writeFileSync(join(scene.source, path), `new ${version}`));
      writeFileSync(join(scene.source, `d7/fresh-${version}.tif`), 'x');
      await station().row(scene, `data/d7/fresh-${version}.tif`, 'done');
      for (const path of rewritten) {
        await waitFor(async () => (await station().file(scene, `data/${path}`)).version === version, {
          timeoutMs: (SWEEP_SECONDS + AFTERWARDS_SECONDS) * 1000 - (performance.now() - rewrittenAt),
          what: `version ${version} of ${path} within the sweep's period`,
        });
      }
    }
    await station().stopAcquisition(monitor.id);
  });
});

describe.skipIf(process.getuid?.() !== 0)('a mount that goes away', () => {
  const station = aStation();
  const mounted: string[] = [];
  const mount = (directory: string) => {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', directory]);
    mounted.push(directory);
  };
  const unmount = (directory: string) => {
    execFileSync('umount', [directory]);
    mounted.splice(mounted.indexOf(directory), 1);
  };
  afterAll(() => mounted.forEach((directory) => execFileSync('umount', ['-l', directory])));

  it.each([
    ['an empty directory', []],
    ['a directory with files', ['below.h5']],
  ])('from %s is a lost source, no deletion, and goes on by itself when it is back', async (_what, below) => {
    const scene = await station().scene(`mount-${below.length}`);
    below.forEach((name) => writeFileSync(join(scene.source, name), 'no data of the detector'));
    mount(scene.source);
    writeFileSync(join(scene.source, 'before.h5'), 'x');
    const monitor = await station().monitor(scene, { processExisting: true });
    await station().row(scene, 'data/before.h5', 'done');

    // Neither watches nor a pass hold the mount.
    await waitFor(
      () => {
        unmount(scene.source);
        return Promise.resolve(true);
      },
      { what: 'the file system to be free' },
    ).catch(() => expect.fail('the station keeps the file system busy'));
    expect(existsSync(scene.source)).toBe(true);
    await station().inStatus(monitor.id, 'source-lost');
    const alarms = (await station().alarms()).filter((alarm) => alarm.key.endsWith(monitor.id));
    expect(alarms).toMatchObject([
      {
        key: `daq.source-missing:${monitor.id}`,
        message: expect.stringContaining('its file system is not mounted') as string,
      },
    ]);

    mount(scene.source);
    writeFileSync(join(scene.source, 'after.h5'), 'x');
    await station().row(scene, 'data/after.h5', 'done');
    await station().inStatus(monitor.id, 'running');
    expect((await station().ledger(scene)).map((row) => [row.path, row.state]).sort()).toEqual([
      ['data/after.h5', 'done'],
      ['data/before.h5', 'done'],
    ]);
    await station().stopAcquisition(monitor.id);
    unmount(scene.source);
  });
});
