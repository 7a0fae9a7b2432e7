import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AlarmAnswer, DestinationAnswer, WhyFile } from '../../src/cli/api-types.js';
import { apiPath } from '../../src/cli/api-client.js';
import { StationError } from '../../src/kernel/errors.js';
import { Database } from '../../src/platform/database/index.js';
import { Destinations, StorageArea, type TransferOutcome } from '../../src/storage/index.js';
import { waitFor } from '../support/wait-for.js';
import { DaqApp } from './daq.app.js';

const md5 = (content: string) => createHash('md5').update(content).digest('hex');

describe('copies at further destinations', () => {
  let app: DaqApp;
  let number = 0;

  beforeAll(async () => {
    // One file a batch: the order in which copies are made shows.
    app = await DaqApp.start({ DM_DAQ_BATCH_FILES: '1', DM_DAQ_VIGILANCE_LOOK_SECONDS: '0.5' }, (home) => ({
      storage: {
        destinations: [
          { name: 'offsite', engine: 'local', root: join(home, 'offsite'), reserveBytes: 0 },
          { name: 'mirror', engine: 'local', root: join(home, 'mirror'), reserveBytes: 0 },
          { name: 'full', engine: 'local', root: join(home, 'full'), reserveBytes: 2 ** 52 },
        ],
      },
    }));
  });
  afterAll(() => app.close());
  afterEach(() => {
    vi.restoreAllMocks();
    setAbsent(false);
  });

  /** An experiment with these files in its source. */
  async function withFiles(...names: string[]): Promise<{ experiment: string; source: string; storage: string }> {
    const experiment = `copies-${(number += 1)}`;
    const places = await app.experiment(experiment);
    names.forEach((name) => writeFileSync(join(places.source, name), name));
    return { experiment, ...places };
  }

  const setAbsent = (isAbsent: boolean) => {
    const marker = join(app.home, 'offsite/.dm-storage');
    if (existsSync(marker) === isAbsent) {
      renameSync(isAbsent ? marker : `${marker}.away`, isAbsent ? `${marker}.away` : marker);
    }
  };
  const offsite = { destinations: ['offsite'] };
  const upload = async (experiment: string, ...destinations: string[]) =>
    app.ended((await app.start(experiment, destinations.length === 0 ? offsite : { destinations })).id);
  /** A monitor that has had its first look. */
  const monitor = async (experiment: string) => {
    const { id } = await app.start(experiment, { kind: 'monitor', processExisting: true, ...offsite });
    const admin = await app.as('admin');
    await waitFor(async () => (await admin.get<{ status: string }>(`/acquisitions/${id}`)).status === 'running');
    return id;
  };
  const why = async (experiment: string, path: string) =>
    (await app.as('admin')).get<WhyFile>(apiPath`/experiments/${experiment}/why`, { path });
  const at = (scene: { storage: string }, path: string, destination = 'offsite') =>
    join(app.home, destination, relative(join(app.home, 'storage'), scene.storage), path);
  const ordered = (experiment: string, path: string, count: number) =>
    waitFor(async () => (await why(experiment, path)).rows.flatMap((row) => row.copies).length === count, {
      what: `${count} orders of ${path}`,
    });
  /** The order of a file's newest version, once it is in a state. */
  const order = (scene: { experiment: string }, path: string, state: string) =>
    waitFor(
      async () => {
        const [newest] = (await why(scene.experiment, path)).rows;
        return newest?.copies.find((copy) => copy.state === state);
      },
      { timeoutMs: 30_000, what: `the order of ${path} to be ${state}` },
    );
  const copied = (scene: { storage: string }, path: string, destination?: string) =>
    waitFor(() => existsSync(at(scene, path, destination)), { timeoutMs: 30_000, what: `the copy of ${path}` });
  const alarm = async (key: string, words = '') => {
    const { items } = await (await app.as('admin')).get<{ items: AlarmAnswer[] }>('/alarms');
    return items.find((one) => one.key.startsWith(key) && one.message.includes(words));
  };
  const appears = (key: string, words?: string) =>
    waitFor(() => alarm(key, words), { timeoutMs: 30_000, what: `the alarm ${key}` });
  const goes = (key: string) =>
    waitFor(async () => (await alarm(key)) === undefined, { timeoutMs: 30_000, what: `the alarm ${key} to go` });
  const view = async (name: string) => {
    const { items } = await (await app.as('admin')).get<{ items: DestinationAnswer[] }>('/destinations');
    return items.find((one) => one.name === name);
  };
  const retry = async (name: string) => (await app.as('admin')).post(apiPath`/destinations/${name}/retry`);
  const engineOf = (name: string) => app.app.get(Destinations).get(name).engine;
  const stop = async (id: string) => {
    await (await app.as('admin')).post(`/acquisitions/${id}/stop`);
    await app.ended(id);
  };

  it('are asked of channels that say what they can do', async () => {
    expect(await view('mirror')).toMatchObject({
      capabilities: { readBack: true, sync: true, mode: true, owner: true, hardLinks: true },
    });
  });

  describe('their order', () => {
    it('makes the older version first, though the newer one is fresh and fills the batch', async () => {
      const scene = await withFiles('a.h5');
      setAbsent(true);
      await upload(scene.experiment);
      const id = await monitor(scene.experiment);
      writeFileSync(join(scene.source, 'a.h5'), 'the second');
      await ordered(scene.experiment, 'data/a.h5', 2);
      await stop(id);

      setAbsent(false);

      await waitFor(() => readFileSync(at(scene, 'data/a.h5'), 'utf8') === 'the second', {
        timeoutMs: 20_000,
        what: 'both versions',
      });
      expect(readFileSync(at(scene, 'system/versions/v1/data/a.h5'), 'utf8')).toBe('a.h5');
    });

    it('makes copies of what arrived while it ran before those of what was there before', async () => {
      const scene = await withFiles('before.h5');
      setAbsent(true);
      const id = await monitor(scene.experiment);
      await ordered(scene.experiment, 'data/before.h5', 1);
      writeFileSync(join(scene.source, 'fresh.h5'), 'fresh');
      await ordered(scene.experiment, 'data/fresh.h5', 1);
      await stop(id);
      setAbsent(false);
      await copied(scene, 'data/before.h5');
      await goes('storage.destination-absent:offsite');
      const madeAt = async (path: string) =>
        (await why(scene.experiment, path)).rows[0]?.replicas.find(({ destination }) => destination === 'offsite')
          ?.verifiedAt ?? '';
      expect(Date.parse(await madeAt('data/fresh.h5'))).toBeLessThan(Date.parse(await madeAt('data/before.h5')));
    });
  });

  describe('when a destination takes nothing', () => {
    const TROUBLE = 'storage.destination-absent:offsite';

    it('writes down why with each order, raises an alarm, and clears it with the copy that a person frees', async () => {
      const scene = await withFiles('a.h5');
      // Its marker can be read, but the experiments' directory cannot be made.
      const parent = dirname(at(scene, ''));
      const aside = `${parent}.aside`;
      if (existsSync(parent)) {
        renameSync(parent, aside);
      }
      writeFileSync(parent, 'no directory');
      await upload(scene.experiment);

      expect(await order(scene, 'data/a.h5', 'quarantined')).toMatchObject({
        reasonCode: 'ENOTDIR',
        reason: expect.stringContaining('Look at its permissions there') as string,
        attempts: 1,
      });
      await appears(TROUBLE, 'is no directory');
      expect(await view('offsite')).toMatchObject({ status: 'down', copies: { quarantinedFiles: 1 } });

      rmSync(parent);
      if (existsSync(aside)) {
        renameSync(aside, parent);
      }
      expect(await retry('offsite')).toEqual({ retried: 1 });

      await copied(scene, 'data/a.h5');
      await goes(TROUBLE);
      await goes('storage.copies-quarantined:offsite');
      expect(await view('offsite')).toMatchObject({ status: 'up', message: null });
    });

    it('counts attempts when batches break off, and none when the host went away', async () => {
      const scene = await withFiles('a.h5');
      const transfer = vi
        .spyOn(engineOf('offsite'), 'transfer')
        .mockRejectedValueOnce(new StationError('unavailable', 'HOST_UNREACHABLE', 'The host does not answer.'))
        .mockRejectedValueOnce(new Error('exit code 134 in the middle'));
      await upload(scene.experiment);
      expect(await order(scene, 'data/a.h5', 'failed')).toMatchObject({ reasonCode: 'HOST_UNREACHABLE', attempts: 0 });
      await app.app.get(Database).query(`UPDATE copy_order SET due_at = now() WHERE destination = 'offsite'`);
      await waitFor(async () => (await order(scene, 'data/a.h5', 'failed')).reasonCode === 'COPY_BROKE_OFF', {
        timeoutMs: 20_000,
      });
      expect(await order(scene, 'data/a.h5', 'failed')).toMatchObject({
        reason: 'exit code 134 in the middle',
        attempts: 1,
      });
      await copied(scene, 'data/a.h5');
      expect(transfer).toHaveBeenCalledTimes(3);
      await goes(TROUBLE);
    });

    it('says that it is full, for its orders, as an alarm and as a disk that is watched', async () => {
      const scene = await withFiles('a.h5');
      await upload(scene.experiment, 'full');
      expect(await order(scene, 'data/a.h5', 'failed')).toMatchObject({ reasonCode: 'DESTINATION_FULL', attempts: 0 });
      await appears('storage.destination-absent:full', 'Free some space there');
      expect(await view('full')).toMatchObject({ status: 'down', message: expect.stringContaining('free') as string });
      await appears('storage.disk-filling:', 'the destination full');
    });

    it('holds up neither uploads nor another destination while it hangs', async () => {
      const scene = await withFiles('a.h5');
      const hang = Promise.withResolvers<TransferOutcome[]>();
      const transfer = vi.spyOn(engineOf('offsite'), 'transfer').mockReturnValue(hang.promise);
      expect(await upload(scene.experiment, 'offsite')).toMatchObject({ status: 'done' });
      await waitFor(() => transfer.mock.calls.length > 0, { what: 'the copy to hang' });

      writeFileSync(join(scene.source, 'b.h5'), 'b');
      expect(await upload(scene.experiment, 'offsite', 'mirror')).toMatchObject({
        status: 'done',
        counts: { done: 1 },
      });
      await copied(scene, 'data/b.h5', 'mirror');
      expect(readFileSync(join(scene.storage, 'data/b.h5'), 'utf8')).toBe('b');
      expect(existsSync(at(scene, 'data/b.h5'))).toBe(false);

      transfer.mockRestore();
      hang.resolve([]);
      await copied(scene, 'data/b.h5');
    });
  });

  it('wait while the storage area is away, which says nothing about the primary copies', async () => {
    const scene = await withFiles('a.h5');
    setAbsent(true);
    await upload(scene.experiment);
    const area = join(app.home, 'storage');
    renameSync(area, `${area}.away`);
    mkdirSync(area);
    const looks = vi.spyOn(app.app.get(StorageArea), 'absence');
    setAbsent(false);
    await goes('storage.destination-absent:offsite');
    const before = looks.mock.calls.length;
    await waitFor(() => looks.mock.calls.length > before + 1, { timeoutMs: 30_000, what: 'a look at the area' });
    expect(await order(scene, 'data/a.h5', 'waiting')).toMatchObject({ reasonCode: null, attempts: 0 });
    rmdirSync(area);
    renameSync(`${area}.away`, area);
    await copied(scene, 'data/a.h5');
  });

  describe('of a damaged primary copy', () => {
    it('are quarantined with both digests, and made when it is repaired and a person says so', async () => {
      const scene = await withFiles('a.h5');
      setAbsent(true);
      await upload(scene.experiment);
      const primary = join(scene.storage, 'data/a.h5');
      const { atime, mtime } = statSync(primary);
      const damage = (content: string) => {
        writeFileSync(primary, content);
        utimesSync(primary, atime, mtime);
      };
      damage('A.h5');
      setAbsent(false);
      const failed = await order(scene, 'data/a.h5', 'failed');
      expect(failed).toMatchObject({ reasonCode: 'primary-copy', attempts: 1, foundMd5Sum: md5('A.h5') });
      // Not waiting for the pauses between the attempts, which grow to a minute.
      await app.app
        .get(Database)
        .query(`UPDATE copy_order SET attempts = 7, due_at = now() WHERE destination = 'offsite'`);

      expect(await order(scene, 'data/a.h5', 'quarantined')).toMatchObject({
        reasonCode: 'primary-copy',
        reason: expect.stringContaining(md5('a.h5')) as string,
        attempts: 8,
        foundMd5Sum: md5('A.h5'),
      });
      expect((await why(scene.experiment, 'data/a.h5')).rows[0]).toMatchObject({ md5Sum: md5('a.h5') });
      expect(existsSync(at(scene, 'data/a.h5'))).toBe(false);
      await appears('storage.copies-quarantined:offsite');

      damage('a.h5');
      expect(await retry('offsite')).toEqual({ retried: 1 });
      await copied(scene, 'data/a.h5');
      expect(readFileSync(at(scene, 'data/a.h5'), 'utf8')).toBe('a.h5');
      await goes('storage.copies-quarantined:offsite');
    });
  });
});

it('stops a station though a destination hangs', async () => {
  const app = await DaqApp.start({}, (home) => ({
    storage: { destinations: [{ name: 'mirror', engine: 'local', root: join(home, 'mirror'), reserveBytes: 0 }] },
  }));
  const { engine } = app.app.get(Destinations).get('mirror');
  const transfer = vi.spyOn(engine, 'transfer').mockReturnValue(new Promise(() => undefined));
  vi.spyOn(engine, 'close').mockReturnValue(new Promise(() => undefined));
  const { source } = await app.experiment('hanging');
  writeFileSync(join(source, 'a.h5'), 'content');
  await app.ended((await app.start('hanging', { destinations: ['mirror'] })).id);
  await waitFor(() => transfer.mock.calls.length > 0, { what: 'the copy to hang' });

  await app.close();
});
