import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WorkQueue } from '../../../src/platform/queue/index.js';
import { waitFor } from '../../support/wait-for.js';

/** What every work queue must do; see the obligations in src/platform/queue/work-queue.port.ts. */
export function workQueueContract(name: string, open: () => Promise<WorkQueue>): void {
  describe(`work queue on ${name}`, () => {
    let queue: WorkQueue;
    let seen: unknown[];

    beforeEach(async () => {
      queue = await open();
      seen = [];
    });
    afterEach(() => queue.close());

    const record = async (data: unknown) => {
      seen.push(data);
    };
    const jobs = (...numbers: number[]) => numbers.map((n) => ({ id: `job-${n}`, data: { n } }));

    it('brings every job to a consumer with its data', async () => {
      await queue.add('transfer', jobs(1, 2, 3));
      queue.consume('transfer', { concurrency: 2 }, record);
      await waitFor(() => seen.length === 3, { what: 'three jobs' });
      expect(seen).toEqual(expect.arrayContaining([{ n: 1 }, { n: 2 }, { n: 3 }]));
    });

    it('wakes a consumer that waits already', async () => {
      queue.consume('transfer', { concurrency: 1 }, record);
      await queue.add('transfer', jobs(1));
      await waitFor(() => seen.length === 1, { what: 'the job' });
    });

    it('keeps queues apart', async () => {
      queue.consume('stage', { concurrency: 1 }, record);
      await queue.add('transfer', jobs(1));
      await queue.add('stage', jobs(2));
      await waitFor(() => seen.length > 0, { what: 'the job of the stage queue' });
      expect(seen).toEqual([{ n: 2 }]);
      expect(await queue.depth('transfer')).toBe(1);
    });

    it('makes one job of an id that is added again while it waits', async () => {
      await queue.add('transfer', jobs(1));
      await queue.add('transfer', jobs(1));
      expect(await queue.depth('transfer')).toBe(1);
    });

    it('takes an id again whose job has ended', async () => {
      queue.consume('transfer', { concurrency: 1 }, record);
      await queue.add('transfer', jobs(1));
      await waitFor(() => seen.length === 1, { what: 'the first run' });
      await waitFor(
        async () => {
          await queue.add('transfer', jobs(1));
          return seen.length >= 2;
        },
        { what: 'the second run' },
      );
    });

    it('drops a job whose handler throws, and goes on with the next', async () => {
      let runs = 0;
      queue.consume('transfer', { concurrency: 1 }, async (data) => {
        runs += 1;
        if ((data as { n: number }).n === 1) {
          throw new Error('no luck');
        }
        seen.push(data);
      });
      await queue.add('transfer', jobs(1, 2));
      await waitFor(() => seen.length === 1, { what: 'the job behind' });
      await waitFor(async () => (await queue.depth('transfer')) === 0, { what: 'an empty queue' });
      expect(runs).toBe(2);
    });

    it('brings jobs of the first priority before all others, in the order of their coming', async () => {
      const one = (n: number, priority: number) => ({ id: `job-${n}`, data: { n }, priority });
      await queue.add('transfer', [one(1, 2), one(2, 2), one(3, 1)]);
      await queue.add('transfer', [one(4, 2), one(5, 1)]);
      queue.consume('transfer', { concurrency: 1 }, record);
      await waitFor(() => seen.length === 5, { what: 'all jobs' });
      expect(seen).toEqual([3, 5, 1, 2, 4].map((n) => ({ n })));
    });

    it('never runs more handlers at a time than asked for', async () => {
      let active = 0;
      let most = 0;
      queue.consume('transfer', { concurrency: 3 }, async (data) => {
        active += 1;
        most = Math.max(most, active);
        await waitFor(() => most === 3, { what: 'three at a time' });
        active -= 1;
        seen.push(data);
      });
      await queue.add('transfer', jobs(1, 2, 3, 4, 5, 6));
      await waitFor(() => seen.length === 6, { what: 'all jobs' });
      expect(most).toBe(3);
    });

    it('tells a running handler that the station stops, and waits for it', async () => {
      let finished = false;
      queue.consume('transfer', { concurrency: 1 }, async (data, signal) => {
        seen.push(data);
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        finished = true;
      });
      await queue.add('transfer', jobs(1));
      await waitFor(() => seen.length === 1, { what: 'the handler' });
      await queue.stopConsuming();
      expect(finished).toBe(true);
    });

    it('takes nothing any more once it has stopped consuming', async () => {
      queue.consume('transfer', { concurrency: 1 }, record);
      await queue.stopConsuming();
      await queue.add('transfer', jobs(1));
      expect(await queue.depth('transfer')).toBe(1);
      expect(seen).toEqual([]);
    });

    it('says that it is there', () => waitFor(() => queue.isAvailable(), { what: 'an available queue' }));
  });
}
