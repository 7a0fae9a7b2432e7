import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { BullWorkQueue, RedisBullBackend } from '../../../src/platform/queue/index.js';
import { describeWithRedis } from '../../support/redis.js';
import { waitFor } from '../../support/wait-for.js';
import { workQueueContract } from './work-queue.suite.js';

describeWithRedis('work queue on Redis', (redis) => {
  const open = async () => {
    const queue = new BullWorkQueue(new RedisBullBackend(redis().url, `test-${randomUUID()}`));
    await waitFor(() => queue.isAvailable(), { what: 'the connection to Redis' });
    return queue;
  };

  workQueueContract('Redis', open);

  it('fails quickly while Redis is gone, says so, and works again when it is back', async ({ skip }) => {
    if (!redis().isOwned) {
      skip('the Redis of DM_TEST_REDIS_URL is not ours to kill');
    }
    const queue = await open();
    const seen: unknown[] = [];
    queue.consume('transfer', { concurrency: 1 }, async (data) => {
      seen.push(data);
    });
    await redis().kill();
    await waitFor(() => !queue.isAvailable(), { what: 'the loss to be noticed' });
    await expect(queue.add('transfer', [{ id: 'lost', data: {} }])).rejects.toMatchObject({
      code: 'QUEUE_UNAVAILABLE',
    });
    await redis().restart();
    await waitFor(() => queue.isAvailable(), { what: 'Redis to be back', timeoutMs: 30_000 });
    await queue.add('transfer', [{ id: 'after', data: { n: 1 } }]);
    await waitFor(() => seen.length === 1, { what: 'a job after the outage', timeoutMs: 30_000 });
    await queue.close();
  });
});
