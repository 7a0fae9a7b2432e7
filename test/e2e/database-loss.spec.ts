import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findClusterProcesses, postmasterPid } from '../../src/platform/embedded-postgres/cluster-processes.js';
import { md5sumOfTree } from '../support/md5sum.js';
import { isRunning } from '../support/process-tree.js';
import { aStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

const FILES = 3000;
const KILLS = 3;

describe('an upload whose database is killed', () => {
  const station = aStation({ env: { DM_DAQ_BATCH_FILES: '50' } });
  const cluster = () => join(station().dataDirectory, 'postgres', 'cluster');

  it(
    `brings every file once over ${KILLS} kill -9 of PostgreSQL, the station living on`,
    { timeout: 240_000 },
    async () => {
      const scene = await station().scene('database');
      for (let index = 0; index < FILES; index += 1) {
        writeFileSync(join(scene.source, `${index}.tif`), Buffer.alloc(20_000, `${index} `));
      }
      const { id } = await station().startAcquisition({
        kind: 'upload',
        experiment: scene.experiment,
        dataDirectory: scene.source,
        quietSeconds: 0,
      });
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const { counts } = await waitFor(
          async () => {
            const acquisition = await station().acquisition(id);
            return acquisition.counts.done >= (kill * FILES) / (KILLS + 2) ? acquisition : undefined;
          },
          { timeoutMs: 90_000, everyMs: 5, what: `enough files before kill ${kill}` },
        );
        expect(counts.done).toBeLessThan(FILES);
        const pid = (await postmasterPid(cluster())) ?? -1;
        process.kill(pid, 'SIGKILL');
        await waitFor(() => !isRunning(pid), { what: 'PostgreSQL to die' });
      }

      const end = await waitFor(() => station().ended(id), { timeoutMs: 90_000, what: 'the upload to end' });
      expect(end).toMatchObject({ status: 'done', counts: { found: FILES, done: FILES } });
      expect(await md5sumOfTree(scene.data)).toEqual(await md5sumOfTree(scene.source));
      expect((await station().ledger(scene)).map((row) => row.version)).toEqual(Array.from({ length: FILES }, () => 1));
      expect((await station().files(scene)).length).toBe(FILES);
      await waitFor(async () => (await station().alarms()).length === 0, {
        timeoutMs: 60_000,
        what: 'all alarms to go',
      });
      await station().stop();
      expect(await findClusterProcesses(cluster())).toEqual([]);
    },
  );
});
