import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

const KEY = 'station.degraded:storage';

describe('a storage area that goes away', () => {
  const station = aStation();

  const isAlarmed = async () => (await station().alarms()).some((alarm) => alarm.key === KEY);

  it('is told by health and an alarm, lets files wait, and everything catches up when it is back', async () => {
    const scene = await station().scene('degraded');
    const monitor = await station().monitor(scene);
    const marker = join(station().storage, '.dm-storage');
    renameSync(marker, `${marker}.away`);
    writeFileSync(join(scene.source, 'a.h5'), 'x');

    const row = await station().row(scene, 'data/a.h5', 'failed');
    expect(row.reasonCode).toBe('STORAGE_UNAVAILABLE');
    expect(await station().readiness()).toMatchObject({ status: 'degraded', down: ['storage'] });
    await waitFor(isAlarmed, { timeoutMs: 30_000, what: 'the alarm' });

    renameSync(`${marker}.away`, marker);

    await waitFor(async () => (await station().readiness()).status === 'ready', { what: 'health to be ready again' });
    await station().row(scene, 'data/a.h5', 'done');
    await waitFor(async () => !(await isAlarmed()), { timeoutMs: 30_000, what: 'the alarm to go' });
    await station().stopAcquisition(monitor.id);
  });
});
