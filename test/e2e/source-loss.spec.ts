import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aStation, type Scene } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

describe('a source directory that goes away', () => {
  // Small batches, so that there is a middle to interrupt.
  const station = aStation({ env: { DM_DAQ_BATCH_FILES: '100' } });
  const alarmsOf = async (id: string) => (await station().alarms()).filter((alarm) => alarm.key.endsWith(id));
  const away = (scene: Scene) => `${scene.source}-away`;

  it('is lost for its monitor, said by an alarm, and taken up again when it comes back', async () => {
    const scene = await station().scene('lost');
    const monitor = await station().monitor(scene);
    writeFileSync(join(scene.source, 'before.h5'), 'x');
    await station().row(scene, 'data/before.h5', 'done');

    renameSync(scene.source, away(scene));
    await station().inStatus(monitor.id, 'source-lost');
    await waitFor(async () => (await alarmsOf(monitor.id)).length > 0, { what: 'the alarm' });
    expect(await alarmsOf(monitor.id)).toMatchObject([
      { key: `daq.source-missing:${monitor.id}`, severity: 'critical' },
    ]);
    writeFileSync(join(away(scene), 'meanwhile.h5'), 'x');
    renameSync(away(scene), scene.source);

    await station().row(scene, 'data/meanwhile.h5', 'done');
    await station().inStatus(monitor.id, 'running');
    await waitFor(async () => (await alarmsOf(monitor.id)).length === 0, { what: 'the alarm to go' });
    // Watched as before, and what was known was not taken again.
    writeFileSync(join(scene.source, 'after.h5'), 'x');
    await station().row(scene, 'data/after.h5', 'done');
    expect((await station().ledger(scene)).map((row) => [row.state, row.version])).toEqual(
      Array.from({ length: 3 }, () => ['done', 1]),
    );
    await station().stopAcquisition(monitor.id);
  });

  it('goes on after a restart of the station in between', async () => {
    const scene = await station().scene('lost-restart');
    const monitor = await station().monitor(scene, { quietSeconds: 2 });
    for (const name of ['stays.h5', 'goes.h5']) {
      writeFileSync(join(scene.source, name), name);
      await station().row(scene, `data/${name}`, 'settling');
    }
    await station().killStation();
    renameSync(scene.source, away(scene));
    await station().restart();
    await station().inStatus(monitor.id, 'source-lost');
    mkdirSync(join(station().detector, 'aside'));
    renameSync(join(away(scene), 'goes.h5'), join(station().detector, 'aside/goes.h5'));
    renameSync(away(scene), scene.source);

    await station().row(scene, 'data/stays.h5', 'done');
    // It was settling when the station died and is nowhere any more: its row must come to an end all the same.
    expect(await station().row(scene, 'data/goes.h5', 'skipped')).toMatchObject({ reasonCode: 'source-vanished' });
    await station().stopAcquisition(monitor.id);
  });

  it('lets a monitor end that is stopped meanwhile', async () => {
    const scene = await station().scene('lost-stop');
    const monitor = await station().monitor(scene, { quietSeconds: 1 });
    writeFileSync(join(scene.source, 'a.h5'), 'x');
    await station().row(scene, 'data/a.h5', 'settling');
    renameSync(scene.source, away(scene));
    await station().inStatus(monitor.id, 'source-lost');

    expect(await station().stopAcquisition(monitor.id)).toMatchObject({ status: 'done' });
    expect(await alarmsOf(monitor.id)).toEqual([]);
    expect((await station().ledger(scene)).map((row) => row.state)).not.toContain('settling');
  });

  it('pauses an upload, which then brings every file', async () => {
    const scene = await station().scene('lost-upload');
    const files = 3000;
    for (let index = 0; index < files; index += 1) {
      writeFileSync(join(scene.source, `${index}.tif`), Buffer.alloc(30_000, index));
    }
    const { id } = await station().startAcquisition({
      kind: 'upload',
      experiment: scene.experiment,
      dataDirectory: scene.source,
      quietSeconds: 0,
    });
    await waitFor(async () => (await station().acquisition(id)).counts.done > 0, { everyMs: 5, timeoutMs: 30_000 });
    renameSync(scene.source, away(scene));
    const paused = await station().inStatus(id, 'source-lost');
    expect(paused.counts.done).toBeLessThan(files);
    renameSync(away(scene), scene.source);

    const end = await station().ended(id);
    expect(end).toMatchObject({ status: 'done', counts: { done: files, quarantined: 0 } });
    expect((await station().files(scene)).length).toBe(files);
    expect(readFileSync(join(scene.data, '7.tif')).equals(Buffer.alloc(30_000, 7))).toBe(true);
  });

  it('says of an upload whose files were gone that it did not bring them', async () => {
    const scene = await station().scene('lost-files');
    writeFileSync(join(scene.source, 'stays.h5'), 'x');
    writeFileSync(join(scene.source, 'goes.h5'), 'x');
    const { id } = await station().startAcquisition({
      kind: 'upload',
      experiment: scene.experiment,
      dataDirectory: scene.source,
      quietSeconds: 1,
    });
    await station().row(scene, 'data/goes.h5', 'settling');
    rmSync(join(scene.source, 'goes.h5'));
    const end = await station().ended(id);
    expect(end).toMatchObject({ status: 'failed', counts: { done: 1, skipped: 1 } });
    expect(end.errorMessage).toContain('1 files were gone');
  });
});
