import { Registry } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import { StationError } from '../../kernel/errors.js';
import {
  ALL_CAPABILITIES,
  type TransferEngine,
  type TransferOutcome,
  type TransferTask,
} from '../transfer-engine.port.js';
import { TransferMetrics } from '../transfer.metrics.js';
import { LimitedTransferEngine } from './limited-transfer-engine.js';
import { MeteredTransferEngine } from './metered-transfer-engine.js';
import { RecheckingTransferEngine } from './rechecking-transfer-engine.js';
import { RetryingTransferEngine } from './retrying-transfer-engine.js';
import { ThrottledTransferEngine } from './throttled-transfer-engine.js';

function aTask(id: string, sizeBytes = 10n): TransferTask {
  return {
    id,
    sourcePath: Buffer.from('/source/a'),
    sourceRoots: [],
    expected: { sizeBytes, mtimeNs: 0n, inode: 1n },
    experimentDirectory: Buffer.from('/store/exp'),
    destinationPath: Buffer.from('data/a'),
    replaces: null,
    mode: 'copy',
    proof: 'read-back',
    fileMode: 0o640,
    directoryMode: 0o750,
  };
}

function published({ id, expected }: TransferTask): TransferOutcome {
  return {
    id,
    status: 'published',
    md5Sum: 'a',
    sizeBytes: expected.sizeBytes,
    proof: 'read-back',
    keptPrevious: false,
  };
}

function anEngine(transfer: (tasks: readonly TransferTask[]) => Promise<TransferOutcome[]>): TransferEngine {
  return {
    capabilities: ALL_CAPABILITIES,
    transfer,
    discard: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

describe(RecheckingTransferEngine.name, () => {
  /** Every copy is corrupt; reading the source again gives `second`. */
  function corrupting(second: (task: TransferTask) => TransferOutcome): TransferEngine {
    return anEngine((tasks) =>
      Promise.resolve(
        tasks.map((task) =>
          task.mode === 'compare' ? second(task) : { id: task.id, status: 'corrupt', md5Sum: 'a', foundMd5Sum: 'b' },
        ),
      ),
    );
  }

  it('believes that a copy is corrupt when the source says the same twice', async () => {
    const engine = new RecheckingTransferEngine(
      corrupting(({ id }) => ({ id, status: 'compared', md5Sum: 'a', sizeBytes: 10n })),
    );
    expect(await engine.transfer([aTask('1')])).toEqual([
      { id: '1', status: 'corrupt', md5Sum: 'a', foundMd5Sum: 'b' },
    ]);
  });

  it('takes a source that says something else the second time for one that has changed', async () => {
    const engine = new RecheckingTransferEngine(
      corrupting(({ id }) => ({ id, status: 'compared', md5Sum: 'c', sizeBytes: 10n })),
    );
    expect(await engine.transfer([aTask('1')])).toEqual([
      { id: '1', status: 'changed', detail: expect.any(String) as string, readings: ['a', 'c'] },
    ]);
  });

  it('passes on that the source has changed or gone meanwhile', async () => {
    const engine = new RecheckingTransferEngine(corrupting(({ id }) => ({ id, status: 'vanished' })));
    expect(await engine.transfer([aTask('1')])).toEqual([{ id: '1', status: 'vanished' }]);
  });
});

describe(RetryingTransferEngine.name, () => {
  const settings = { attempts: 3, firstPauseMs: 1 };

  it('calls again when the call as a whole broke off in a way that may pass', async () => {
    const transfer = vi
      .fn<TransferEngine['transfer']>()
      .mockRejectedValueOnce(new StationError('unavailable', 'HOST_UNREACHABLE', 'gone'))
      .mockImplementation((tasks) => Promise.resolve(tasks.map(published)));
    expect(await new RetryingTransferEngine(anEngine(transfer), settings).transfer([aTask('1')])).toHaveLength(1);
    expect(transfer).toHaveBeenCalledTimes(2);
  });

  it('gives up after its attempts, with the last error', async () => {
    const transfer = vi
      .fn<TransferEngine['transfer']>()
      .mockRejectedValue(new StationError('unavailable', 'HOST_UNREACHABLE', 'gone'));
    const engine = new RetryingTransferEngine(anEngine(transfer), settings);
    await expect(engine.transfer([aTask('1')])).rejects.toThrow('gone');
    expect(transfer).toHaveBeenCalledTimes(3);
  });

  it.each([
    new Error('a mistake of ours'),
    new StationError('unavailable', 'HOST_KEY_UNKNOWN', 'who are you', { retryable: false }),
  ])('does not try again what does not pass by itself', async (error) => {
    const transfer = vi.fn<TransferEngine['transfer']>().mockRejectedValue(error);
    await expect(new RetryingTransferEngine(anEngine(transfer), settings).transfer([aTask('1')])).rejects.toBe(error);
    expect(transfer).toHaveBeenCalledTimes(1);
  });
});

describe(LimitedTransferEngine.name, () => {
  it('lets no more batches through at a time than it is told, and all of them in the end', async () => {
    let running = 0;
    let most = 0;
    const engine = new LimitedTransferEngine(
      anEngine(async (tasks) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        return tasks.map(published);
      }),
      2,
    );
    const all = await Promise.all(['1', '2', '3', '4', '5'].map((id) => engine.transfer([aTask(id)])));
    expect(all.flat()).toHaveLength(5);
    expect(most).toBe(2);
  });

  it('goes on after a batch that broke off, and refuses those that wait when it closes', async () => {
    const first = Promise.withResolvers<TransferOutcome[]>();
    const engine = new LimitedTransferEngine(
      anEngine(() => first.promise),
      1,
    );
    const running = engine.transfer([aTask('1')]);
    const waiting = engine.transfer([aTask('2')]);
    await engine.close();
    await expect(waiting).rejects.toMatchObject({ code: 'TRANSFER_STOPPED', retryable: true });
    first.reject(new Error('broke off'));
    await expect(running).rejects.toThrow('broke off');
  });
});

describe(ThrottledTransferEngine.name, () => {
  it('keeps to the rate on average, over batches at the same time', async () => {
    const engine = new ThrottledTransferEngine(
      anEngine((tasks) => Promise.resolve(tasks.map(published))),
      1_000_000,
    );
    const start = performance.now();
    await Promise.all([
      engine.transfer([aTask('1', 100_000n), aTask('2', 100_000n)]),
      engine.transfer([aTask('3', 100_000n)]),
      engine.transfer([aTask('4', 1n)]),
    ]);
    // 300 kB before the last one.
    expect(performance.now() - start).toBeGreaterThanOrEqual(290);
  });

  it('hands on a large batch in portions', async () => {
    const sizes: number[] = [];
    const engine = new ThrottledTransferEngine(
      anEngine((tasks) => {
        sizes.push(tasks.length);
        return Promise.resolve(tasks.map(published));
      }),
      10_000_000_000,
    );
    const tasks = Array.from({ length: 5 }, (_, index) => aTask(String(index), 4_000_000_000n));
    // The pauses between them are not waited for.
    const outcomes = engine.transfer(tasks);
    await engine.close();
    expect((await outcomes).map((outcome) => outcome.id)).toEqual(['0', '1', '2', '3', '4']);
    expect(sizes).toEqual([2, 2, 1]);
  });
});

describe(MeteredTransferEngine.name, () => {
  it('counts files by outcome, published bytes, and calls that broke off', async () => {
    const registry = new Registry();
    const transfer = vi
      .fn<TransferEngine['transfer']>()
      .mockResolvedValueOnce([published(aTask('1', 7n)), { id: '2', status: 'vanished' }])
      .mockRejectedValueOnce(new Error('broke off'));
    const engine = new MeteredTransferEngine(anEngine(transfer), 'rsync-pull', new TransferMetrics(registry));
    await engine.transfer([aTask('1', 7n), aTask('2')]);
    await expect(engine.transfer([aTask('3')])).rejects.toThrow();
    const text = await registry.metrics();
    expect(text).toContain('dm_storage_transfer_files_total{engine="rsync-pull",outcome="published"} 1');
    expect(text).toContain('dm_storage_transfer_files_total{engine="rsync-pull",outcome="vanished"} 1');
    expect(text).toContain('dm_storage_transfer_bytes_total{engine="rsync-pull"} 7');
    expect(text).toContain('dm_storage_transfer_batch_seconds_count{engine="rsync-pull",end="broke-off"} 1');
  });
});
