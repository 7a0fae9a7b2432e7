import { existsSync, mkdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DestinationAnswer } from '../../src/cli/api-types.js';
import { md5sumOfTree } from '../support/md5sum.js';
import { aStation, type Scene } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

const ABSENT = 'storage.destination-absent:offsite';

describe('several destinations', () => {
  const station = aStation({
    overlay: (folder) => ({
      storage: {
        destinations: [
          { name: 'mirror', engine: 'local', root: join(folder, 'mirror'), default: true, reserveBytes: 0 },
          { name: 'offsite', engine: 'local', root: join(folder, 'offsite'), reserveBytes: 0 },
        ],
      },
    }),
  });

  const at = (destination: string, scene: Scene, path: string) =>
    join(station().folder, destination, relative(station().storage, scene.storage), path);

  const destination = async (name: string) => {
    const { items } = await station().api.get<{ items: DestinationAnswer[] }>('/destinations');
    return items.find((one) => one.name === name);
  };

  const settled = (name: string) =>
    waitFor(
      async () => {
        const copies = (await destination(name))?.copies;
        return copies?.waitingFiles === 0 && copies.failedFiles === 0 && copies.copyingFiles === 0;
      },
      { timeoutMs: 30_000, what: `the copies to ${name}` },
    );

  const setAbsent = (isAbsent: boolean) => {
    const marker = join(station().folder, 'offsite/.dm-storage');
    renameSync(isAbsent ? marker : `${marker}.away`, isAbsent ? `${marker}.away` : marker);
  };

  it('copies every file on to the destinations that are configured as default, with a replica and proof for each', async () => {
    const scene = await station().scene('mirrored');
    mkdirSync(join(scene.source, 'deep/er'), { recursive: true });
    for (let n = 0; n < 40; n += 1) {
      writeFileSync(join(scene.source, n % 2 === 0 ? '' : 'deep/er', `a b;$(x)-${n}.h5`), `content ${n}`);
    }

    expect(await station().upload(scene)).toMatchObject({ status: 'done', destinations: ['mirror'] });
    const files = await station().files(scene);
    expect(files).toHaveLength(40);
    await waitFor(async () => (await station().files(scene)).every((file) => file.replicas.length === 2), {
      timeoutMs: 30_000,
      what: 'both copies in the catalog',
    });

    expect(await md5sumOfTree(at('mirror', scene, 'data'))).toEqual(await md5sumOfTree(scene.data));
    const [file] = await station().files(scene);
    expect(file?.replicas).toEqual([
      expect.objectContaining({ destination: 'primary', proof: 'read-back' }),
      expect.objectContaining({ destination: 'mirror', proof: 'read-back' }),
    ]);
    expect(existsSync(at('offsite', scene, 'data'))).toBe(false);
  });

  it('lets a destination that is away wait, says so, and makes its copies when it is back', async () => {
    const scene = await station().scene('away');
    writeFileSync(join(scene.source, 'a.h5'), 'first');
    setAbsent(true);
    try {
      expect(await station().upload(scene, { destinations: ['mirror', 'offsite'] })).toMatchObject({ status: 'done' });
      await waitFor(async () => (await station().alarms()).some((alarm) => alarm.key === ABSENT), {
        what: 'the alarm',
      });
      await waitFor(async () => existsSync(at('mirror', scene, 'data/a.h5')), { what: 'the copy at the mirror' });
      expect(await destination('offsite')).toMatchObject({ status: 'down', copies: { waitingFiles: 1 } });
    } finally {
      setAbsent(false);
    }
    await settled('offsite');
    expect(readFileSync(at('offsite', scene, 'data/a.h5'), 'utf8')).toBe('first');
    await waitFor(async () => !(await station().alarms()).some((alarm) => alarm.key === ABSENT), {
      what: 'the alarm to go',
    });
  });

  it('brings versions in their order and keeps the older one, as the storage area does', async () => {
    const scene = await station().scene('versions');
    setAbsent(true);
    try {
      for (const content of ['one', 'two!', 'three']) {
        writeFileSync(join(scene.source, 'a.h5'), content);
        expect(await station().upload(scene, { destinations: ['offsite'] })).toMatchObject({ status: 'done' });
      }
    } finally {
      setAbsent(false);
    }
    await settled('offsite');
    expect(readFileSync(at('offsite', scene, 'data/a.h5'), 'utf8')).toBe('three');
    expect(readFileSync(at('offsite', scene, 'system/versions/v1/data/a.h5'), 'utf8')).toBe('one');
    expect(readFileSync(at('offsite', scene, 'system/versions/v2/data/a.h5'), 'utf8')).toBe('two!');
    const why = await station().why(scene, 'data/a.h5');
    expect(why.rows.map((row) => row.replicas.map((replica) => replica.destination).sort())).toEqual(
      [1, 2, 3].map(() => ['offsite', 'primary']),
    );
  });

  it('goes on after a kill -9, and copies nothing twice', async () => {
    const scene = await station().scene('killed');
    for (let n = 0; n < 300; n += 1) {
      writeFileSync(join(scene.source, `f${n}.h5`), `content ${n} `.repeat(2000));
    }
    setAbsent(true);
    await station().upload(scene, { destinations: ['offsite'] });
    setAbsent(false);
    await waitFor(async () => existsSync(at('offsite', scene, 'data/f0.h5')), {
      timeoutMs: 30_000,
      what: 'a first copy',
    });
    await station().killStation();
    await station().restart();
    await settled('offsite');
    const copies = await md5sumOfTree(at('offsite', scene, 'data'));
    expect(copies).toEqual(await md5sumOfTree(scene.source));
    expect(copies.size).toBe(300);
  });

  it('never spreads a primary copy that is damaged', async () => {
    const scene = await station().scene('damaged');
    writeFileSync(join(scene.source, 'a.h5'), 'precious');
    setAbsent(true);
    try {
      await station().upload(scene, { destinations: ['offsite'] });
      const primary = join(scene.data, 'a.h5');
      const { atime, mtime } = statSync(primary);
      writeFileSync(primary, 'Precious');
      utimesSync(primary, atime, mtime);
    } finally {
      setAbsent(false);
    }
    const order = await waitFor(
      async () => {
        const [row] = (await station().why(scene, 'data/a.h5')).rows;
        return row?.copies.find((copy) => copy.state === 'failed');
      },
      { timeoutMs: 30_000, what: 'the order to fail' },
    );
    expect(order).toMatchObject({ destination: 'offsite', reasonCode: 'primary-copy' });
    expect(existsSync(at('offsite', scene, 'data/a.h5'))).toBe(false);
  });

  it('refuses a destination that nobody configured', async () => {
    const scene = await station().scene('unknown');
    await expect(station().upload(scene, { destinations: ['moon'] })).rejects.toMatchObject({
      code: 'DESTINATION_UNKNOWN',
    });
  });
});
