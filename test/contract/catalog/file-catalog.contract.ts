import { afterEach, beforeEach, expect, it } from 'vitest';
import { CatalogScene, type CatalogServer } from './catalog-scene.js';
import { countingContract } from './counting.contract.js';
import { recordingContract } from './recording.contract.js';
import { searchingContract } from './searching.contract.js';

/** What every catalog must do, whatever server it stands on. Each case has an empty experiment of its own. */
export function fileCatalogContract(server: () => CatalogServer): void {
  let scene: CatalogScene;
  beforeEach(async () => {
    scene = await CatalogScene.open(server());
  });
  afterEach(() => scene.catalog.close());

  recordingContract(() => scene);
  searchingContract(() => scene);
  countingContract(() => scene);

  it('answers a ping', async () => {
    await scene.catalog.ping();
    expect(scene.catalog.isAvailable()).toBe(true);
  });
}
