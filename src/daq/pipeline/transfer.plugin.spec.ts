import { describe, expect, it } from 'vitest';
import { aPipelineFile } from '../../../test/support/pipeline-file.js';
import { StationError } from '../../kernel/errors.js';
import type { StationConfig } from '../../platform/config/index.js';
import type { StorageArea, TransferEngines } from '../../storage/index.js';
import type { SourceTrees } from '../source/source-tree.port.js';
import { TransferPlugin } from './transfer.plugin.js';

/** Where every file comes from another machine, which cannot be worked on. */
function aPlugin(trouble: StationError): TransferPlugin {
  const engines: Pick<TransferEngines, 'from'> = {
    from: () => {
      throw trouble;
    },
  };
  const area: Pick<StorageArea, 'requireSpace'> = { requireSpace: () => Promise.resolve() };
  const config = { daq: { maxAttempts: 3 }, storage: {} } as unknown as StationConfig;
  return new TransferPlugin(config, engines as TransferEngines, area as StorageArea, {} as SourceTrees);
}

const aFile = (attempts: number) => aPipelineFile('data/a.h5', { row: { sourceHost: 'elsewhere', attempts } });

describe(TransferPlugin.name, () => {
  it('lets files of a host wait uncounted that may come back by itself', async () => {
    const plugin = aPlugin(new StationError('unavailable', 'HOST_UNREACHABLE', 'It is away.'));
    const [outcome] = await plugin.process([aFile(2)]);
    expect(outcome).toMatchObject({ change: { state: 'failed', reasonCode: 'HOST_UNREACHABLE', dueInSeconds: 5 } });
    expect(outcome?.change).not.toHaveProperty('attempts');
  });

  it('asks for a person after some tries where no waiting helps', async () => {
    const plugin = aPlugin(new StationError('unavailable', 'HOST_KEY_UNKNOWN', 'Who is it?', { retryable: false }));
    expect(await plugin.process([aFile(0)])).toMatchObject([
      { change: { state: 'failed', attempts: 1, dueInSeconds: 1 } },
    ]);
    expect(await plugin.process([aFile(2)])).toMatchObject([
      { change: { state: 'quarantined', attempts: 3, reasonCode: 'HOST_KEY_UNKNOWN', reason: 'Who is it?' } },
    ]);
  });
});
