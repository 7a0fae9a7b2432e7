import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DestinationAnswer } from '../../src/cli/api-types.js';
import { md5sumOfTree } from '../support/md5sum.js';
import { describeWithPrograms } from '../support/needs-program.js';
import { SSHD_PROGRAMS, startSshd, type TestSshd } from '../support/sshd.js';
import { type Scene, TestStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

describeWithPrograms('a destination behind ssh', SSHD_PROGRAMS, () => {
  let sshd: TestSshd;
  let station: TestStation;
  let root: string;

  beforeAll(async () => {
    sshd = await startSshd();
    root = mkdtempSync('/tmp/dm-remote-store-');
    station = await TestStation.start({
      overlay: () => ({
        storage: {
          hosts: { store: sshd.host },
          destinations: [{ name: 'store', engine: 'rsync', host: 'store', root: `${root}/dm`, reserveBytes: 0 }],
        },
      }),
    });
  });
  afterAll(async () => {
    await station.dispose();
    await sshd.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  const at = (scene: Scene, path: string) => join(root, 'dm', relative(station.storage, scene.storage), path);

  const destination = async () =>
    (await station.api.get<{ items: DestinationAnswer[] }>('/destinations')).items.find((one) => one.name === 'store');

  const settled = () =>
    waitFor(
      async () => {
        const copies = (await destination())?.copies;
        return copies?.waitingFiles === 0 && copies.failedFiles === 0 && copies.copyingFiles === 0;
      },
      { timeoutMs: 60_000, what: 'the copies to be made' },
    );

  it('gets verified copies over cut connections and a server that is away, in the order of versions', async () => {
    const scene = await station.scene('remote');
    for (let n = 0; n < 200; n += 1) {
      writeFileSync(join(scene.source, `odd $(name) 'no' ${n}.h5`), `content ${n} `.repeat(3000));
    }
    await station.upload(scene, { destinations: ['store'] });
    for (let n = 0; n < 3; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      sshd.cut();
    }
    await sshd.stop();
    writeFileSync(join(scene.source, `odd $(name) 'no' 0.h5`), 'a second version');
    expect(await station.upload(scene, { destinations: ['store'] })).toMatchObject({ status: 'done' });
    await sshd.start();
    await settled();

    expect(await md5sumOfTree(at(scene, 'data'))).toEqual(await md5sumOfTree(scene.source));
    expect(readFileSync(at(scene, `system/versions/v1/data/odd $(name) 'no' 0.h5`), 'utf8')).toContain('content 0');
    const why = await station.why(scene, `data/odd $(name) 'no' 0.h5`);
    expect(why.rows[0]?.replicas).toMatchObject([
      { destination: 'primary', proof: 'read-back' },
      { destination: 'store', proof: 'read-back' },
    ]);
  });
});
