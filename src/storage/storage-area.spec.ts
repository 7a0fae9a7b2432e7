import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StationConfig } from '../platform/config/index.js';
import { StorageArea } from './storage-area.js';

describe(StorageArea.name, () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dm-area-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function anArea(reserveBytes: number): Promise<StorageArea> {
    const config = { dataDir: folder, storage: { root: join(folder, 'storage'), reserveBytes } };
    const area = new StorageArea(config as StationConfig);
    await area.initialize();
    return area;
  }

  it('takes what leaves the reserve alone', async () => {
    await expect((await anArea(0)).requireSpace(1)).resolves.toBeUndefined();
  });

  it('says when to ask again, whether it is full or away', async () => {
    const area = await anArea(Number.MAX_SAFE_INTEGER);
    await expect(area.requireSpace(0)).rejects.toMatchObject({ code: 'STORAGE_FULL', retryAfterSeconds: 30 });
    rmSync(join(area.root, '.dm-storage'));
    await expect(area.requireSpace(0)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryAfterSeconds: 30 });
  });
});
