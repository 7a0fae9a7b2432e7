import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcquisitionAnswer, AlarmAnswer, LedgerRow } from '../../src/cli/api-types.js';
import { KERNEL_FACTS, type KernelFacts, readKernelFacts } from '../../src/daq/source/kernel-facts.js';
import { METRICS } from '../../src/platform/metrics/index.js';
import { waitFor } from '../support/wait-for.js';
import { DaqApp } from './daq.app.js';

/** Of which the station takes nine tenths. */
const USER_WATCHES = 10;
const MOST_WATCHED = 9;

describe('what a monitor finds', () => {
  let app: DaqApp;
  let facts: KernelFacts;

  beforeAll(async () => {
    app = await DaqApp.start();
    facts = app.app.get<KernelFacts>(KERNEL_FACTS);
    // Before the first monitor starts to watch.
    facts.watchLimits = { ...facts.watchLimits, maxUserWatches: USER_WATCHES };
  });
  afterAll(() => app.close());

  const monitor = (experiment: string, options: Record<string, unknown> = {}) =>
    app.start(experiment, { kind: 'monitor', ...options });
  const stop = async (id: string) => {
    await (await app.as('admin')).post(`/acquisitions/${id}/stop`);
    return app.ended(id);
  };
  const alarmOf = async (key: string) =>
    (await (await app.as('admin')).get<{ items: AlarmAnswer[] }>('/alarms')).items.find((alarm) => alarm.key === key);
  const rowsOf = async (experiment: string) =>
    (await app.as('admin')).allItems<LedgerRow>(`/experiments/${experiment}/ledger`);
  const pathsDone = async (experiment: string) =>
    (await rowsOf(experiment)).filter(({ state }) => state === 'done').map(({ path }) => path);
  const gauge = async (name: string) => {
    const metric = await app.app.get<Registry>(METRICS).getSingleMetric(name)?.get();
    return metric?.values[0]?.value;
  };

  it('an alarm says that its directories are more than may be watched, until there is room again', async () => {
    const { source } = await app.experiment('watch-limit');
    const directories = Array.from({ length: MOST_WATCHED + 1 }, (_, at) => join(source, `d${at}`));
    directories.forEach((directory) => mkdirSync(directory));
    const { id } = await monitor('watch-limit');
    const key = `daq.watch-limit:${id}`;

    const alarm = await waitFor(() => alarmOf(key), { what: 'the alarm' });
    expect(alarm).toMatchObject({
      severity: 'warning',
      message: expect.stringContaining(`${MOST_WATCHED + 2} directories want a watch`) as string,
    });
    expect(await gauge('dm_daq_watched_directories')).toBe(MOST_WATCHED);
    expect(await gauge('dm_daq_watched_directories_limit')).toBe(MOST_WATCHED);

    directories.slice(0, 2).forEach((directory) => rmSync(directory, { recursive: true }));
    await waitFor(async () => (await alarmOf(key)) === undefined, { what: 'the end of the alarm' });
    expect(await gauge('dm_daq_watched_directories')).toBe(MOST_WATCHED);
    await stop(id);
    await waitFor(async () => (await gauge('dm_daq_watched_directories')) === 0, { what: 'the watches to go' });
  });

  it('comes from a file server without events, which the start says, and is found all the same', async () => {
    const { source } = await app.experiment('shared');
    facts.mountInfo = join(dirname(source), '../mountinfo');
    writeFileSync(facts.mountInfo, `40 22 0:44 / ${source} rw,relatime shared:20 - gpfs cluster rw\n`);
    const started = await monitor('shared');
    facts.mountInfo = readKernelFacts().mountInfo;

    expect(started.preflight).toMatchObject({
      verdict: 'warning',
      findings: expect.arrayContaining([
        { code: 'SOURCE_WITHOUT_EVENTS', message: expect.stringContaining('shared file system (gpfs)') as string },
      ]) as unknown,
    });
    const admin = await app.as('admin');
    const view = await waitFor(async () => {
      const acquisition = await admin.get<AcquisitionAnswer>(`/acquisitions/${started.id}`);
      return acquisition.status === 'running' ? acquisition : undefined;
    });
    expect(view).toMatchObject({ fileSystem: 'gpfs', usesEvents: false });
    mkdirSync(join(source, 'd'));
    writeFileSync(join(source, 'd/a.h5'), 'x');
    await waitFor(async () => (await pathsDone('shared')).includes('data/d/a.h5'), { what: 'the file' });
    expect(await gauge('dm_daq_watched_directories')).toBe(0);
    // What its clock was read off is gone, and was no data.
    expect(readdirSync(source)).toEqual(['d']);
    await stop(started.id);
    expect(await rowsOf('shared')).toHaveLength(1);
  });

  it('is not taken under the names that were called temporary, and no other name counts as such', async () => {
    const { source } = await app.experiment('temporary');
    const { id } = await monitor('temporary', { settle: { rule: 'rename', temporaryNames: ['*.writing', 'tmp_*'] } });
    ['a.h5.writing', 'tmp_b.h5', 'c.h5.part', 'd.h5'].forEach((name) => writeFileSync(join(source, name), name));
    await waitFor(async () => (await pathsDone('temporary')).length >= 2, { what: 'two files' });
    renameSync(join(source, 'a.h5.writing'), join(source, 'a.h5'));
    await waitFor(async () => (await pathsDone('temporary')).length >= 3, { what: 'the renamed file' });
    await stop(id);
    expect((await rowsOf('temporary')).map(({ path }) => path).sort()).toEqual([
      'data/a.h5',
      'data/c.h5.part',
      'data/d.h5',
    ]);
  });

  it('is not taken before it has the fewest bytes that were asked for', async () => {
    const { source } = await app.experiment('fewest');
    const { id } = await monitor('fewest', { settle: { rule: 'size', sizeFile: '{name}.size', minBytes: 4 } });
    writeFileSync(join(source, 'a.raw.size'), '2');
    writeFileSync(join(source, 'a.raw'), '12');
    writeFileSync(join(source, 'b.raw.size'), '5');
    writeFileSync(join(source, 'b.raw'), '12345');
    await waitFor(async () => (await pathsDone('fewest')).includes('data/b.raw'), { what: 'the complete file' });
    expect(await pathsDone('fewest')).not.toContain('data/a.raw');
    writeFileSync(join(source, 'a.raw.size'), '4');
    writeFileSync(join(source, 'a.raw'), '1234');
    await waitFor(async () => (await pathsDone('fewest')).includes('data/a.raw'), { what: 'the file when it is full' });
    await stop(id);
  });
});
