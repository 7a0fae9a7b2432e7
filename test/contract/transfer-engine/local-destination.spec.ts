import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Destination } from '../../../src/storage/destinations/destination.js';
import { destinationConfigSchema } from '../../../src/storage/destinations/destination.config.js';
import { LocalDestination } from '../../../src/storage/destinations/local-destination.js';
import type { TransferTask } from '../../../src/storage/transfer-engine.port.js';
import { TransferMetrics } from '../../../src/storage/transfer.metrics.js';

describe(LocalDestination.name, () => {
  let folder: string;
  let registry: Registry;
  let destination: Destination | undefined;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'dm-destination-')));
    registry = new Registry();
    for (const name of ['station', 'storage/99IDZ/exp/data']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
  });
  afterEach(async () => {
    await destination?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(settings: object = {}): Destination {
    const config = destinationConfigSchema.parse({
      name: 'mirror',
      engine: 'local',
      root: join(folder, 'mirror'),
      ...settings,
    });
    if (config.engine !== 'local') {
      throw new Error('not a local one');
    }
    const defaults = {
      dataDir: join(folder, 'station'),
      storageRoot: join(folder, 'storage'),
      fileMode: 0o640,
      directoryMode: 0o2770,
      permissions: {},
    };
    destination = new LocalDestination(config, defaults, new TransferMetrics(registry));
    return destination;
  }

  /** Of a new file of the experiment. */
  function aTask(name: string, content: string | Buffer, experimentDirectory: Buffer): TransferTask {
    const sourcePath = join(folder, 'storage/99IDZ/exp/data', name);
    writeFileSync(sourcePath, content);
    const stats = statSync(sourcePath, { bigint: true });
    return {
      id: name,
      sourcePath: Buffer.from(sourcePath),
      sourceRoots: [Buffer.from(join(folder, 'storage'))],
      expected: { sizeBytes: stats.size, mtimeNs: stats.mtimeNs, inode: stats.ino },
      experimentDirectory,
      destinationPath: Buffer.from(`data/${name}`),
      replaces: null,
      mode: 'copy',
      proof: 'read-back',
      fileMode: 0o640,
      directoryMode: 0o2770,
    };
  }

  const experiment = () => Buffer.from(join(folder, 'storage/99IDZ/exp'));

  it('keeps to its rate, and is counted apart from the storage area', async () => {
    const mirror = open({ bytesPerSecond: 1_000_000 });
    await mirror.initialize();
    const directory = await mirror.prepareDirectory(experiment());
    const tasks = ['b', 'c'].map((name) => aTask(name, Buffer.alloc(1_000_000, name), directory));
    const start = performance.now();
    expect(await mirror.engine.transfer(tasks)).toMatchObject(tasks.map(() => ({ status: 'published' })));
    expect(performance.now() - start).toBeGreaterThanOrEqual(990);
    expect(await registry.metrics()).toContain('dm_storage_transfer_bytes_total{engine="local-push"} 2000000');
  });
});
