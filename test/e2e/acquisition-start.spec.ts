import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ApiError } from '../../src/cli/api-error.js';
import { aStation, type Scene } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

describe('the start of an acquisition', () => {
  const station = aStation();
  let number = 0;
  const aScene = (): Promise<Scene> => station().scene(`start-${(number += 1)}`);

  /** How a start was refused. */
  async function refusal(scene: Scene, options: Record<string, unknown>): Promise<ApiError> {
    const started = station().startAcquisition({
      kind: 'upload',
      experiment: scene.experiment,
      dataDirectory: scene.source,
      ...options,
    });
    return started.then(
      (acquisition) => Promise.reject(new Error(`It started: ${acquisition.id}`)),
      (error: ApiError) => error,
    );
  }

  const alarmsOf = async (id: string) => (await station().alarms()).filter((alarm) => alarm.key.endsWith(id));

  it.each([
    ['a directory outside the source roots', () => '/etc', 403, 'SOURCE_OUTSIDE_ROOTS'],
    ['a path that leaves the roots by ..', (scene: Scene) => `${scene.source}/../../..`, 422, 'SOURCE_NOT_ABSOLUTE'],
    ['a sibling that begins like a root', () => `${station().detector}-2`, 403, 'SOURCE_OUTSIDE_ROOTS'],
    ['the storage area', () => station().storage, 422, 'SOURCE_IN_STORAGE'],
    ['a directory inside the storage area', (scene: Scene) => scene.data, 422, 'SOURCE_IN_STORAGE'],
    ['a directory that holds the storage area', () => station().folder, 422, 'SOURCE_IN_STORAGE'],
    ['a missing directory', (scene: Scene) => join(scene.source, 'missing'), 422, 'SOURCE_MISSING'],
    ['a file', (scene: Scene) => join(scene.source, 'file.h5'), 422, 'SOURCE_NOT_A_DIRECTORY'],
    ['a relative path', () => 'detector', 422, 'SOURCE_NOT_ABSOLUTE'],
    ['a link out of the roots', (scene: Scene) => join(scene.source, 'way-out'), 403, 'SOURCE_OUTSIDE_ROOTS'],
    ['a link into the storage area', (scene: Scene) => join(scene.source, 'way-in'), 422, 'SOURCE_IN_STORAGE'],
    ['a text that is no path', () => '/bad \\escape', 422, 'PATH_INVALID'],
  ])('refuses an upload of %s', async (_what, directory, status, code) => {
    const scene = await aScene();
    mkdirSync(`${station().detector}-2`, { recursive: true });
    writeFileSync(join(scene.source, 'file.h5'), 'x');
    symlinkSync('/etc', join(scene.source, 'way-out'));
    symlinkSync(scene.data, join(scene.source, 'way-in'));

    const error = await refusal(scene, { dataDirectory: directory(scene) });

    expect(error).toMatchObject({ status, code });
    // A sentence for a person, not a code.
    expect(error.message).toMatch(/^\S.{20,}[.)]$/s);
    expect((await station().api.allItems('/acquisitions', { experiment: scene.experiment })).length).toBe(0);
  });

  it.each(['..', '../other', 'a/../../b', '/absolute', 'a//b', './a', 'way-out', 'way-out/deeper'])(
    'refuses the destination %s',
    async (destDirectory) => {
      const scene = await aScene();
      symlinkSync(station().detector, join(scene.data, 'way-out'));
      expect(await refusal(scene, { destDirectory })).toMatchObject({ status: 422, code: 'DESTINATION_INVALID' });
    },
  );

  it('refuses unknown experiments and plug-ins, and to leave out the transfer', async () => {
    const scene = await aScene();
    expect(await refusal(scene, { experiment: 'nobody-knows' })).toMatchObject({ code: 'EXPERIMENT_NOT_FOUND' });
    expect(await refusal(scene, { skipPlugins: ['magic'] })).toMatchObject({ code: 'PLUGIN_UNKNOWN' });
    expect(await refusal(scene, { skipPlugins: ['transfer'] })).toMatchObject({ code: 'PLUGIN_REQUIRED' });
  });

  it('refuses the same directory and destination twice, and allows it again when the first is over', async () => {
    const scene = await aScene();
    symlinkSync(scene.source, join(station().detector, `${scene.experiment}-link`));
    const first = await station().monitor(scene);

    expect(await refusal(scene, {})).toMatchObject({ status: 409, code: 'ACQUISITION_EXISTS' });
    const byLink = await refusal(scene, { dataDirectory: join(station().detector, `${scene.experiment}-link`) });
    expect(byLink).toMatchObject({ code: 'ACQUISITION_EXISTS', details: { acquisitionId: first.id } });
    const twice = await Promise.allSettled([1, 2, 3].map(() => station().startAcquisition(elsewhere(scene))));
    expect(twice.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);

    await station().stopAcquisition(first.id);
    expect((await station().upload(scene)).status).toBe('done');
  });

  const elsewhere = (scene: Scene) => ({
    kind: 'monitor' as const,
    experiment: scene.experiment,
    dataDirectory: scene.source,
    destDirectory: 'elsewhere',
  });

  it('warns of trees that overlap', async () => {
    const scene = await aScene();
    mkdirSync(join(scene.source, 'inner'));
    await station().monitor(scene);
    const inner = await station().startAcquisition({ ...elsewhere(scene), dataDirectory: join(scene.source, 'inner') });
    expect(inner.preflight).toMatchObject({ verdict: 'warning' });
    expect(inner.preflight?.findings.map((finding) => finding.code)).toContain('SOURCE_OVERLAPS');
    expect((await alarmsOf(inner.id)).map((alarm) => alarm.key)).toContain(`daq.source-overlaps:${inner.id}`);
    await station().stopAcquisition(inner.id);
    expect(await alarmsOf(inner.id)).toEqual([]);
  });

  it('does not tell the members of one experiment of the acquisitions of another', async () => {
    const [scene, other] = [await aScene(), await aScene()];
    const theirs = await station().monitor(other);
    const ours = await station().startAcquisition({
      kind: 'monitor',
      experiment: scene.experiment,
      dataDirectory: other.source,
    });
    const warning = ours.preflight?.findings.find((finding) => finding.code === 'SOURCE_OVERLAPS');
    expect(warning?.message).toContain('another experiment');
    expect(warning?.message).not.toContain(theirs.id);
  });

  it('does not follow a directory out of the roots that appears only later', async () => {
    const scene = await aScene();
    const outside = join(station().folder, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret.txt'), 'x');
    const directory = join(scene.source, 'later');
    const monitor = await station().startAcquisition({
      kind: 'monitor',
      experiment: scene.experiment,
      dataDirectory: directory,
      processExisting: true,
    });
    symlinkSync(outside, directory);
    await waitFor(async () => (await alarmsOf(monitor.id)).some((alarm) => alarm.message.includes('source roots')), {
      what: 'the alarm to say why',
    });
    expect((await station().acquisition(monitor.id)).status).toBe('waiting-for-source');
    expect(await station().ledger(scene)).toEqual([]);
    rmSync(directory);
    mkdirSync(directory);
    await station().inStatus(monitor.id, 'running');
  });

  it('lets nobody start jobs in the name of a user that does not exist', async () => {
    const scene = await aScene();
    const error = await refusal(scene, { workflow: { owner: 'admin', name: 'any', jobOwner: 'nobody-at-all' } });
    expect(error).toMatchObject({ status: 422, code: 'JOB_OWNER_UNKNOWN' });
  });

  it('keeps U+0000 in what people write about their files', async () => {
    const scene = await aScene();
    writeFileSync(join(scene.source, 'a.h5'), 'x');
    const end = await station().upload(scene, { metadata: { note: 'x\u0000y' } });
    expect(end.status).toBe('done');
    const [file] = await station().files(scene);
    expect(file?.metadata).toMatchObject({ note: 'x\u0000y' });
  });

  it('warns of an empty directory, by an alarm as well, which goes when a file comes', async () => {
    const scene = await aScene();
    const { id, preflight } = await station().startAcquisition({
      kind: 'monitor',
      experiment: scene.experiment,
      dataDirectory: scene.source,
    });
    expect(preflight).toMatchObject({ verdict: 'warning', findings: [{ code: 'SOURCE_EMPTY' }] });
    await waitFor(async () => (await alarmsOf(id)).length === 1, { what: 'the alarm' });
    expect((await alarmsOf(id))[0]).toMatchObject({ severity: 'warning', key: `daq.source-empty:${id}` });

    writeFileSync(join(scene.source, 'a.h5'), 'x');

    await waitFor(async () => (await alarmsOf(id)).length === 0, { what: 'the alarm to go' });
    await station().stopAcquisition(id);
  });

  it('ends an upload of an empty directory at once, and says so', async () => {
    const scene = await aScene();
    const end = await station().upload(scene);
    expect(end).toMatchObject({ status: 'done', counts: { found: 0 }, warnings: [{ code: 'SOURCE_EMPTY' }] });
    expect(await alarmsOf(end.id)).toEqual([]);
  });

  it('says of a monitor on a missing directory that it waits, and starts when the directory appears', async () => {
    const scene = await aScene();
    rmSync(scene.source, { recursive: true });
    const { id, preflight } = await station().startAcquisition({
      kind: 'monitor',
      experiment: scene.experiment,
      dataDirectory: join(scene.source, 'later'),
    });
    expect(preflight).toMatchObject({ verdict: 'warning', findings: [{ code: 'SOURCE_MISSING' }] });
    await station().inStatus(id, 'waiting-for-source');
    await waitFor(async () => (await alarmsOf(id)).some((alarm) => alarm.key === `daq.source-missing:${id}`));
    // It still waits after a restart of the station.
    await station().stop();
    await station().restart();
    await station().inStatus(id, 'waiting-for-source');

    mkdirSync(join(scene.source, 'later'), { recursive: true });
    writeFileSync(join(scene.source, 'later/first.h5'), 'x');

    await station().row(scene, 'data/first.h5', 'done');
    expect(await station().acquisition(id)).toMatchObject({ status: 'running' });
    await waitFor(async () => (await alarmsOf(id)).length === 0, { what: 'the alarm to go' });
    await station().stopAcquisition(id);
  });

  it('mentions links and pipes, which are never data, and takes the rest', async () => {
    const scene = await aScene();
    writeFileSync(join(scene.source, 'a.h5'), 'x');
    symlinkSync(join(scene.source, 'a.h5'), join(scene.source, 'link.h5'));
    symlinkSync('/etc', join(scene.source, 'etc'));
    const end = await station().upload(scene);
    expect(end).toMatchObject({ status: 'done', counts: { found: 1, done: 1 } });
    expect(end.errorMessage).toContain('2 entries of the directory were not taken');
  });
});
