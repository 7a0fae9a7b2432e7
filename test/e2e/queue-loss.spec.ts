import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { md5sumOfTree } from '../support/md5sum.js';
import { describeWithRedis } from '../support/redis.js';
import { type Scene, TestStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

const FILES = 3000;

describeWithRedis('an upload whose queue is lost', (redis) => {
  /** A station on this Redis with an upload under way. */
  async function withUpload(name: string, test: (station: TestStation, scene: Scene, id: string) => Promise<void>) {
    const station = await TestStation.start({ env: { DM_REDIS_URL: redis().url, DM_DAQ_BATCH_FILES: '100' } });
    try {
      const scene = await station.scene(name);
      for (let index = 0; index < FILES; index += 1) {
        writeFileSync(join(scene.source, `${index}.tif`), Buffer.alloc(20_000, `${index} `));
      }
      const { id } = await station.startAcquisition({
        kind: 'upload',
        experiment: scene.experiment,
        dataDirectory: scene.source,
        quietSeconds: 0,
      });
      await waitFor(async () => (await station.acquisition(id)).counts.done > 0, { everyMs: 5, timeoutMs: 30_000 });
      await test(station, scene, id);
    } finally {
      await station.dispose();
    }
  }

  async function expectAllDone(station: TestStation, scene: Scene, id: string): Promise<void> {
    const end = await station.ended(id, 90_000);
    expect(end).toMatchObject({ status: 'done', counts: { found: FILES, done: FILES } });
    expect(await md5sumOfTree(scene.data)).toEqual(await md5sumOfTree(scene.source));
    expect((await station.ledger(scene)).length).toBe(FILES);
    expect((await station.files(scene)).length).toBe(FILES);
    expect((await station.alarms()).filter((alarm) => alarm.key.startsWith('daq.'))).toEqual([]);
  }

  it('goes on from the ledger while Redis is dead, and with Redis when it is back', async () => {
    await withUpload('killed', async (station, scene, id) => {
      await redis().kill();
      expect((await station.acquisition(id)).counts.done).toBeLessThan(FILES);
      await expectAllDone(station, scene, id);
      expect(await station.readiness()).toMatchObject({ status: 'degraded', down: ['queue'] });
      const alarm = await waitFor(
        async () => (await station.alarms()).find(({ key }) => key === 'station.degraded:queue'),
        { timeoutMs: 30_000, what: 'the alarm that the queue is away' },
      );
      expect(alarm).toMatchObject({ severity: 'critical', message: expect.stringContaining('redis') as string });
      // A second upload begins and ends without any queue.
      writeFileSync(join(scene.source, 'second.h5'), 'x');
      expect(await station.upload(scene)).toMatchObject({ status: 'done', counts: { done: 1, unchanged: FILES } });

      await redis().restart();

      await waitFor(async () => (await station.metric('dm_queue_available')) === 1, {
        timeoutMs: 30_000,
        what: 'the queue',
      });
      await waitFor(async () => (await station.alarms()).length === 0, { timeoutMs: 60_000, what: 'all alarms to go' });
      expect(await station.readiness()).toMatchObject({ status: 'ready', down: [] });
      writeFileSync(join(scene.source, 'third.h5'), 'x');
      expect(await station.upload(scene)).toMatchObject({ status: 'done', counts: { done: 1 } });
      expect(await jobEvents(redis().url)).toBeGreaterThan(0);
      await station.stop();
    });
  });

  it('rebuilds the queue when Redis forgets everything', async () => {
    await withUpload('flushed', async (station, scene, id) => {
      const client = new Redis(redis().url);
      await client.flushall();
      client.disconnect();
      expect((await station.acquisition(id)).counts.done).toBeLessThan(FILES);
      await expectAllDone(station, scene, id);
      await station.stop();
    });
  });

  it('stops within its time while Redis is dead, and goes on after a start without it', async () => {
    await withUpload('restarted', async (station, scene, id) => {
      await redis().kill();
      const begunAt = performance.now();
      await station.stop();
      // Well before service managers lose their patience.
      expect(performance.now() - begunAt).toBeLessThan(45_000);
      await station.restart();
      await expectAllDone(station, scene, id);
      await redis().restart();
    });
  });
});

/** How often this Redis, which began empty, was told of a job. */
async function jobEvents(url: string): Promise<number> {
  const client = new Redis(url);
  try {
    return await client.xlen('dm-99IDZ:transfer:events');
  } finally {
    client.disconnect();
  }
}
