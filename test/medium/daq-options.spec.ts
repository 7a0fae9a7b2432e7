import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcquisitionAnswer, AlarmAnswer, FileAnswer, LedgerRow } from '../../src/cli/api-types.js';
import { waitFor } from '../support/wait-for.js';
import { DaqApp } from './daq.app.js';

describe('options of an acquisition', () => {
  let app: DaqApp;
  let number = 0;

  beforeAll(async () => {
    app = await DaqApp.start();
  });
  afterAll(() => app.close());

  async function withFiles(...names: string[]): Promise<{ experiment: string; source: string; storage: string }> {
    const experiment = `options-${(number += 1)}`;
    const places = await app.experiment(experiment);
    for (const name of names) {
      mkdirSync(dirname(join(places.source, name)), { recursive: true });
      writeFileSync(join(places.source, name), name);
    }
    return { experiment, ...places };
  }

  const rowsOf = async (experiment: string) =>
    (await app.as('admin')).allItems<LedgerRow>(`/experiments/${experiment}/ledger`);
  const pathsOf = async (experiment: string) => (await rowsOf(experiment)).map((row) => row.path).sort();
  const upload = async (experiment: string, options: Record<string, unknown>) =>
    app.ended((await app.start(experiment, options)).id);

  it('takes names with an extension only, in whatever case, from a list or from text with commas', async () => {
    const scene = await withFiles('a.h5', 'b.HDF5', 'c.tif', 'd/e.h5', 'd/skip.tmp.h5');
    const options = { includeFileExtensions: 'h5,.hdf5', excludeFileExtensions: ['tmp.h5'] };

    const end = await upload(scene.experiment, options);

    expect(end).toMatchObject({ status: 'done', includeFileExtensions: ['h5', 'hdf5'] });
    expect(await pathsOf(scene.experiment)).toEqual(['data/a.h5', 'data/b.HDF5', 'data/d/e.h5']);
  });

  it('brings only the file that is named, and says when there is none', async () => {
    const scene = await withFiles('a.h5', 'd/.hidden.h5', 'd/other.h5');

    expect(await upload(scene.experiment, { experimentFilePath: 'd/.hidden.h5' })).toMatchObject({ status: 'done' });
    expect(await pathsOf(scene.experiment)).toEqual(['data/d/.hidden.h5']);
    expect(await upload(scene.experiment, { experimentFilePath: 'd/nothing.h5' })).toMatchObject({
      status: 'failed',
      errorMessage: expect.stringContaining('d/nothing.h5 (NO_SUCH_FILE)') as string,
    });
  });

  it.each([
    ['../../etc/passwd', 'PATH_INVALID'],
    ['/etc/passwd', 'PATH_INVALID'],
    ['d/./a.h5', 'PATH_INVALID'],
  ])('refuses %s as the one file', async (experimentFilePath, code) => {
    const scene = await withFiles('a.h5');
    await expect(app.start(scene.experiment, { experimentFilePath })).rejects.toMatchObject({ code });
  });

  it.each([
    [{ kind: 'monitor', experimentFilePath: 'a.h5' }, 'OPTION_NOT_APPLICABLE'],
    [{ kind: 'upload', uploadDataDirectoryOnExit: '/x' }, 'OPTION_NOT_APPLICABLE'],
    [{ kind: 'upload', durationSeconds: 60 }, 'OPTION_NOT_APPLICABLE'],
    [{ kind: 'upload', processExisting: true }, 'OPTION_NOT_APPLICABLE'],
    [{ kind: 'monitor', uploadDestDirectoryOnExit: 'x' }, 'OPTION_INCOMPLETE'],
    [{ kind: 'monitor', uploadDataDirectoryOnExit: '/etc' }, 'SOURCE_OUTSIDE_ROOTS'],
  ])('refuses %j with %s', async (options, code) => {
    const scene = await withFiles();
    await expect(app.start(scene.experiment, options)).rejects.toMatchObject({ code });
  });

  it('brings files to the analysis directory of the experiment', async () => {
    const scene = await withFiles('a.h5');
    const options = { useAnalysisDirectoryAsRoot: true, destDirectory: 'x' };
    expect(await upload(scene.experiment, options)).toMatchObject({ status: 'done', destDirectory: 'analysis/x' });
    expect(readFileSync(join(scene.storage, 'analysis/x/a.h5'), 'utf8')).toBe('a.h5');
    expect(await pathsOf(scene.experiment)).toEqual(['analysis/x/a.h5']);
  });

  it('leaves the catalog out on request: stored and verified, without a document', async () => {
    const scene = await withFiles('a.h5');
    expect(await upload(scene.experiment, { skipCatalog: true })).toMatchObject({
      status: 'done',
      skipPlugins: ['catalog'],
    });
    expect(existsSync(join(scene.storage, 'data/a.h5'))).toBe(true);
    const admin = await app.as('admin');
    expect(await admin.allItems<FileAnswer>(`/experiments/${scene.experiment}/files`)).toEqual([]);
  });

  describe('upload when a monitor ends', () => {
    const exitUploadOf = (id: string) =>
      waitFor(async () => (await (await app.as('admin')).get<AcquisitionAnswer>(`/acquisitions/${id}`)).exitUpload, {
        what: 'the upload at the end',
      });

    it('brings the other directory home, to where it was asked to go, with the metadata of the monitor', async () => {
      const scene = await withFiles('frame.h5');
      const logs = await withFiles('macro.log');
      const monitor = await app.start(scene.experiment, {
        kind: 'monitor',
        processExisting: true,
        uploadDataDirectoryOnExit: logs.source,
        uploadDestDirectoryOnExit: 'logs',
        metadata: { sample: 'AgBeh' },
      });
      await (await app.as('admin')).post(`/acquisitions/${monitor.id}/stop`);
      await app.ended(monitor.id);

      const started = await exitUploadOf(monitor.id);
      const upload = await app.ended('acquisitionId' in started ? started.acquisitionId : '');
      expect(upload).toMatchObject({
        kind: 'upload',
        status: 'done',
        onExitOf: monitor.id,
        destDirectory: 'data/logs',
      });
      expect(readdirSync(join(scene.storage, 'data/logs'))).toEqual(['macro.log']);
      const file = await (
        await app.as('admin')
      ).get<FileAnswer>(`/experiments/${scene.experiment}/files/by-path`, { path: 'data/logs/macro.log' });
      expect(file.metadata).toEqual({ sample: 'AgBeh' });
    });

    it('brings it to the analysis directory, when the files of the monitor go there', async () => {
      const scene = await withFiles();
      const logs = await withFiles('macro.log');
      const monitor = await app.start(scene.experiment, {
        kind: 'monitor',
        useAnalysisDirectoryAsRoot: true,
        destDirectory: 'frames',
        uploadDataDirectoryOnExit: logs.source,
        uploadDestDirectoryOnExit: 'logs',
      });
      await (await app.as('admin')).post(`/acquisitions/${monitor.id}/stop`);
      await app.ended(monitor.id);

      const started = await exitUploadOf(monitor.id);
      expect(await app.ended('acquisitionId' in started ? started.acquisitionId : '')).toMatchObject({
        status: 'done',
        destDirectory: 'analysis/logs',
      });
      expect(readdirSync(join(scene.storage, 'analysis/logs'))).toEqual(['macro.log']);
    });

    it('says in the view and by an alarm why it could not start, until the monitor is off the list', async () => {
      const scene = await withFiles('frame.h5');
      const logs = await withFiles();
      const monitor = await app.start(scene.experiment, {
        kind: 'monitor',
        processExisting: true,
        uploadDataDirectoryOnExit: logs.source,
        uploadDestDirectoryOnExit: 'logs',
      });
      rmSync(logs.source, { recursive: true });
      const admin = await app.as('admin');
      await admin.post(`/acquisitions/${monitor.id}/stop`);
      await app.ended(monitor.id);

      expect(await exitUploadOf(monitor.id)).toMatchObject({ errorCode: 'SOURCE_MISSING' });
      const alarm = async () =>
        (await admin.get<{ items: AlarmAnswer[] }>('/alarms')).items.find(({ key }) => key.endsWith(monitor.id));
      expect((await alarm())?.action).toContain(`dm acquisition clear-ended -e ${scene.experiment}`);
      expect(await admin.post('/acquisitions/clear', { experiment: scene.experiment })).toEqual({ cleared: 1 });
      expect(await alarm()).toBeUndefined();
    });
  });
});
