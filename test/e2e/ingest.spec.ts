import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aStation, type Scene } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

const QUIET_MS = 300;

describe('files from a detector to storage', () => {
  // Small batches, so that there is a middle to interrupt.
  const station = aStation({ env: { DM_DAQ_BATCH_FILES: '100' } });

  const stored = (scene: Scene, path: string) => readFileSync(join(scene.data, path), 'utf8');
  const write = (scene: Scene, path: string, content = path) => {
    mkdirSync(join(scene.source, path, '..'), { recursive: true });
    writeFileSync(join(scene.source, path), content);
  };

  it('does not take a file that is still being written', async () => {
    const scene = await station().scene('still-written');
    const monitor = await station().monitor(scene);
    write(scene, 'slow.h5', 'begin ');
    write(scene, 'ready.h5');
    const states = new Set<string>();

    // Appended to for ten quiet times, with pauses shorter than one.
    for (let piece = 0; piece < 30; piece += 1) {
      await waitForMs(QUIET_MS / 3);
      appendFileSync(join(scene.source, 'slow.h5'), `${piece} `);
      const [row] = await station().ledger(scene, { path: 'data/slow.h5' });
      states.add(row?.state ?? 'not seen');
      expect(existsSync(join(scene.data, 'slow.h5'))).toBe(false);
    }

    // The station was not asleep meanwhile: it took the other file and had this one in view.
    expect((await station().row(scene, 'data/ready.h5', 'done')).version).toBe(1);
    expect([...states].filter((state) => !['not seen', 'settling'].includes(state))).toEqual([]);
    expect(states).toContain('settling');
    const done = await station().row(scene, 'data/slow.h5', 'done');
    expect(done).toMatchObject({ version: 1, sizeBytes: readFileSync(join(scene.source, 'slow.h5')).length });
    expect(stored(scene, 'slow.h5')).toBe(readFileSync(join(scene.source, 'slow.h5'), 'utf8'));
    await station().stopAcquisition(monitor.id);
  });

  it('makes version 2 of a file that changes after its upload and keeps version 1, replica record included', async () => {
    const scene = await station().scene('versions');
    write(scene, 'run 1/a.h5', 'first content');
    await station().upload(scene);
    write(scene, 'run 1/a.h5', 'second content');
    const second = await station().upload(scene);

    expect(second).toMatchObject({ status: 'done', counts: { found: 1, done: 1 } });
    const kept = join(scene.storage, 'system/versions/v1/data/run 1/a.h5');
    expect(stored(scene, 'run 1/a.h5')).toBe('second content');
    expect(readFileSync(kept, 'utf8')).toBe('first content');
    const rows = await station().ledger(scene);
    expect(rows.map(({ version, state }) => [version, state])).toEqual([
      [2, 'done'],
      [1, 'done'],
    ]);
    const path = 'data/run 1/a.h5';
    const why = await station().why(scene, path);
    const locations = why.rows.map((row) => row.replicas.map((replica) => replica.location));
    expect(locations).toEqual([[join(scene.data, 'run 1/a.h5')], [kept]]);
    expect(await station().file(scene, path)).toMatchObject({
      version: 2,
      replicas: [{ location: join(scene.data, 'run 1/a.h5') }],
    });
    expect(await station().file(scene, path, 1)).toMatchObject({ version: 1, replicas: [{ location: kept }] });
    expect((await station().files(scene)).map((file) => file.version).sort()).toEqual([1, 2]);
  });

  it('makes no version 2 of a file that was only touched', async () => {
    const scene = await station().scene('touched');
    const monitor = await station().monitor(scene);
    write(scene, 'a.h5', 'content');
    await station().row(scene, 'data/a.h5', 'done');

    utimesSync(join(scene.source, 'a.h5'), 1_600_000_000, 1_600_000_000);

    const row = await station().row(scene, 'data/a.h5', 'skipped');
    expect(row).toMatchObject({ version: null, reasonCode: 'same-content' });
    expect((await station().files(scene)).map((file) => file.version)).toEqual([1]);
    expect(existsSync(join(scene.storage, 'system/versions'))).toBe(false);
    // Touched more often than rows are looked at for a file, and then really changed.
    await station().stopAcquisition(monitor.id);
    for (let touch = 1; touch <= 22; touch += 1) {
      utimesSync(join(scene.source, 'a.h5'), 1_600_000_000 + touch, 1_600_000_000 + touch);
      expect(await station().upload(scene, { quietSeconds: 0 })).toMatchObject({
        status: 'done',
        counts: { skipped: 1 },
      });
    }
    write(scene, 'a.h5', 'other content');
    expect(await station().upload(scene, { quietSeconds: 0 })).toMatchObject({ status: 'done', counts: { done: 1 } });
    expect(await station().file(scene, 'data/a.h5')).toMatchObject({ version: 2 });
  });

  it('sends two sources of one destination with different content to quarantine, not into versions', async () => {
    const scene = await station().scene('collision');
    const other = join(station().detector, 'collision-other');
    mkdirSync(other);
    write(scene, 'same.h5', 'the same');
    write(scene, 'differs.h5', 'from here');
    writeFileSync(join(other, 'same.h5'), 'the same');
    writeFileSync(join(other, 'differs.h5'), 'from there');
    await station().upload(scene);

    const second = await station().upload(scene, { dataDirectory: other });

    expect(second).toMatchObject({ status: 'failed', counts: { found: 2, quarantined: 1, skipped: 1, done: 0 } });
    expect(second.errorMessage).toContain('1 of 2 files are in quarantine');
    expect(stored(scene, 'differs.h5')).toBe('from here');
    const [collided] = await station().ledger(scene, { path: 'data/differs.h5' });
    expect(collided).toMatchObject({ state: 'quarantined', reasonCode: 'destination-collision', version: null });
    const [same] = await station().ledger(scene, { path: 'data/same.h5' });
    expect(same).toMatchObject({ state: 'skipped', reasonCode: 'same-content-from-other-source' });
    const why = await station().why(scene, 'data/same.h5');
    expect(
      why.rows
        .at(-1)
        ?.timeline.map((entry) => entry.what)
        .join('\n'),
    ).toContain(join(other, 'same.h5'));
    expect((await station().files(scene)).map((file) => file.version)).toEqual([1, 1]);
    expect(existsSync(join(scene.storage, 'system/versions'))).toBe(false);
  });

  it('decides a collision of two uploads that run at the same time, and loses neither', async () => {
    const scene = await station().scene('race');
    const other = join(station().detector, 'race-other');
    mkdirSync(other);
    for (let index = 0; index < 200; index += 1) {
      write(scene, `${index}.h5`, `content ${index}`);
      writeFileSync(join(other, `${index}.h5`), index % 2 === 0 ? `content ${index}` : `other ${index}`);
    }
    const ends = await Promise.all([
      station().upload(scene, { quietSeconds: 0 }),
      station().upload(scene, { quietSeconds: 0, dataDirectory: other }),
    ]);

    const counts = ends.map((end) => end.counts);
    const sum = (key: 'done' | 'quarantined' | 'skipped') => (counts[0]?.[key] ?? 0) + (counts[1]?.[key] ?? 0);
    expect([sum('done'), sum('skipped'), sum('quarantined')]).toEqual([200, 100, 100]);
    expect((await station().files(scene)).map((file) => file.version).every((version) => version === 1)).toBe(true);
  });

  it('leaves files alone that were there before, says why, and lets a later upload take them', async () => {
    const scene = await station().scene('existing');
    write(scene, 'old.h5');
    // The clock that stamps files lags a little behind; what is younger than that is taken rather than left.
    await waitFor(() => Date.now() - statSync(join(scene.source, 'old.h5')).ctimeMs > 50);
    const monitor = await station().monitor(scene, { processExisting: false });
    const old = await station().row(scene, 'data/old.h5', 'skipped');
    expect(old).toMatchObject({ reasonCode: 'existed-before-start' });
    expect((await station().why(scene, 'data/old.h5')).verdict).toContain('was there before the monitor started');
    write(scene, 'new.h5');
    await station().row(scene, 'data/new.h5', 'done');
    expect(existsSync(join(scene.data, 'old.h5'))).toBe(false);
    await station().stopAcquisition(monitor.id);

    expect(await station().upload(scene)).toMatchObject({ status: 'done', counts: { done: 1, unchanged: 1 } });
    expect(stored(scene, 'old.h5')).toBe('old.h5');
  });

  it('takes what was there before with processExisting', async () => {
    const scene = await station().scene('process-existing');
    write(scene, 'old.h5');
    const monitor = await station().monitor(scene, { processExisting: true });
    await station().row(scene, 'data/old.h5', 'done');
    await station().stopAcquisition(monitor.id);
  });

  it('ends a monitor by itself when its duration is over', async () => {
    const scene = await station().scene('duration');
    const monitor = await station().monitor(scene, { durationSeconds: 2 });
    write(scene, 'in time.h5');

    const end = await station().ended(monitor.id);

    expect(end).toMatchObject({ status: 'done', endReason: 'duration', stoppedBy: null, counts: { done: 1 } });
    expect(Date.parse(end.endedAt ?? '') - Date.parse(end.stopAt ?? '')).toBeGreaterThanOrEqual(0);
    write(scene, 'too late.h5');
    expect(await station().upload(scene)).toMatchObject({ counts: { done: 1, unchanged: 1 } });
  });

  it('takes what is there when a monitor is stopped, and cancels what is still being written', async () => {
    const scene = await station().scene('stop-monitor');
    const monitor = await station().monitor(scene, { quietSeconds: 1 });
    const isWriting = { value: true };
    const writer = keepWriting(join(scene.source, 'endless.log'), isWriting);
    write(scene, 'finished.h5');
    await station().api.post(`/acquisitions/${monitor.id}/stop`);
    const end = await station().ended(monitor.id);
    isWriting.value = false;
    await writer;

    expect(end).toMatchObject({ status: 'done', counts: { done: 1, cancelled: 1 } });
    expect(stored(scene, 'finished.h5')).toBe('finished.h5');
    expect((await station().why(scene, 'data/endless.log')).verdict).toContain('upload the directory to fetch it');
    expect(await station().upload(scene)).toMatchObject({ status: 'done', counts: { done: 1, unchanged: 1 } });
  });

  it('stops an upload: what was begun is finished, the rest is cancelled and can be uploaded again', async () => {
    const scene = await station().scene('stop-upload');
    for (let index = 0; index < 3000; index += 1) {
      writeFileSync(join(scene.source, `${index}.tif`), Buffer.alloc(20_000, index));
    }
    const { id } = await station().startAcquisition({
      kind: 'upload',
      experiment: scene.experiment,
      dataDirectory: scene.source,
      quietSeconds: 0,
    });
    await waitFor(async () => (await station().acquisition(id)).counts.done > 0, { everyMs: 5, timeoutMs: 30_000 });
    const end = await station().stopAcquisition(id);

    expect(end.status).toBe('aborted');
    expect(end.counts.cancelled).toBeGreaterThan(0);
    expect(end.counts.done + end.counts.cancelled).toBe(end.counts.found);
    const again = await station().upload(scene, { quietSeconds: 0 });
    expect(again).toMatchObject({ status: 'done', counts: { unchanged: end.counts.done } });
    expect((await station().files(scene)).length).toBe(3000);
  });

  it('skips a file that vanishes before it is complete, and takes it when it comes back', async () => {
    const scene = await station().scene('vanishing');
    const monitor = await station().monitor(scene, { quietSeconds: 1 });
    write(scene, 'gone.h5');
    await station().row(scene, 'data/gone.h5', 'settling');
    const aside = join(station().detector, 'gone.h5');
    renameSync(join(scene.source, 'gone.h5'), aside);

    expect(await station().row(scene, 'data/gone.h5', 'skipped')).toMatchObject({ reasonCode: 'source-vanished' });
    expect((await station().why(scene, 'data/gone.h5')).verdict).toContain('gone before it was complete');

    // The very same file, inode and time included, as after a file system was away for a moment.
    renameSync(aside, join(scene.source, 'gone.h5'));
    expect(await station().row(scene, 'data/gone.h5', 'done')).toMatchObject({ version: 1 });
    await station().stopAcquisition(monitor.id);
  });

  it('takes only what the patterns ask for', async () => {
    const scene = await station().scene('patterns');
    const taken = ['a.h5', 'deep/er/b.h5'];
    const left = ['a.txt', 'dark/c.h5', '.hidden.h5', '.hidden/d.h5', 'e.h5.filepart', '.dm-5.part', 'f.swp'];
    [...taken, ...left].forEach((path) => write(scene, path));
    const end = await station().upload(scene, { includePatterns: ['*.h5', '*.swp'], excludePatterns: ['dark/*'] });

    expect(end).toMatchObject({ status: 'done', counts: { found: 2, done: 2 } });
    expect((await station().files(scene)).map((file) => file.path).sort()).toEqual(taken.map((path) => `data/${path}`));
    const hidden = await station().upload(scene, { includePatterns: ['*.h5'], processHidden: true });
    expect(hidden).toMatchObject({ counts: { done: 3, unchanged: 2 } });
    expect((await station().why(scene, 'data/a.txt')).verdict).toContain('include and exclude patterns');
  });

  it('tries a quarantined file again when a person has moved away what stood in its place', async () => {
    const scene = await station().scene('occupied');
    write(scene, 'a.h5', 'mine');
    writeFileSync(join(scene.data, 'a.h5'), 'put there by hand');
    expect(await station().upload(scene)).toMatchObject({ status: 'failed', counts: { quarantined: 1 } });
    expect(await station().row(scene, 'data/a.h5', 'quarantined')).toMatchObject({
      reasonCode: 'destination-occupied',
    });
    expect(stored(scene, 'a.h5')).toBe('put there by hand');

    rmSync(join(scene.data, 'a.h5'));

    expect(await station().upload(scene)).toMatchObject({ status: 'done', counts: { found: 1, done: 1 } });
    expect(stored(scene, 'a.h5')).toBe('mine');
    expect((await station().ledger(scene)).map(({ state, version }) => [state, version])).toEqual([['done', 1]]);
  });
});

/** A pause that is part of what is tested, not a wait for something. */
function waitForMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function keepWriting(path: string, isWriting: { value: boolean }): Promise<void> {
  while (isWriting.value) {
    appendFileSync(path, 'more ');
    await waitForMs(50);
  }
}
