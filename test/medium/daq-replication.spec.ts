import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { WhyFile } from '../../src/cli/api-types.js';
import { apiPath } from '../../src/cli/api-client.js';
import { waitFor } from '../support/wait-for.js';
import { DaqApp } from './daq.app.js';

describe('copies at further destinations', () => {
  let app: DaqApp;
  let number = 0;

  beforeAll(async () => {
    // One file a batch: the order in which copies are made shows.
    app = await DaqApp.start({ DM_DAQ_BATCH_FILES: '1' }, (home) => ({
      storage: {
        destinations: [{ name: 'offsite', engine: 'local', root: join(home, 'offsite'), reserveBytes: 0 }],
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
  const upload = async (experiment: string) => app.ended((await app.start(experiment, offsite)).id);
  /** A monitor that has had its first look. */
  const monitor = async (experiment: string) => {
    const { id } = await app.start(experiment, { kind: 'monitor', ...offsite });
    const admin = await app.as('admin');
    await waitFor(async () => (await admin.get<{ status: string }>(`/acquisitions/${id}`)).status === 'running');
    return id;
  };
  const why = async (experiment: string, path: string) =>
    (await app.as('admin')).get<WhyFile>(apiPath`/experiments/${experiment}/why`, { path });
  const at = (scene: { storage: string }, path: string) =>
    join(app.home, 'offsite', relative(join(app.home, 'storage'), scene.storage), path);
  const ordered = (experiment: string, path: string, count: number) =>
    waitFor(async () => (await why(experiment, path)).rows.flatMap((row) => row.copies).length === count, {
      what: `${count} orders of ${path}`,
    });
  const stop = async (id: string) => {
    await (await app.as('admin')).post(`/acquisitions/${id}/stop`);
    await app.ended(id);
  };

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

      await waitFor(() => existsSync(at(scene, 'system/versions/v1/data/a.h5')), {
        timeoutMs: 20_000,
        what: 'both versions',
      });
      expect(readFileSync(at(scene, 'system/versions/v1/data/a.h5'), 'utf8')).toBe('a.h5');
      expect(readFileSync(at(scene, 'data/a.h5'), 'utf8')).toBe('the second');
    });
  });
});
