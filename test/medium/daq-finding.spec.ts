import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AlarmAnswer } from '../../src/cli/api-types.js';
import { KERNEL_FACTS, type KernelFacts } from '../../src/daq/source/kernel-facts.js';
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
});
