import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AcquisitionAnswer } from '../../src/cli/api-types.js';
import { md5sumOfTree } from '../support/md5sum.js';
import { describeWithPrograms } from '../support/needs-program.js';
import { SSHD_PROGRAMS, startSshd, type TestSshd } from '../support/sshd.js';
import { type Scene, TestStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describeWithPrograms('a source behind ssh', SSHD_PROGRAMS, () => {
  let sshd: TestSshd;
  let station: TestStation;
  /** On the "other machine"; not below a source root of the station's own. */
  let far: string;

  beforeAll(async () => {
    far = realpathSync(mkdtempSync('/tmp/dm-far-source-'));
    ['roots', 'secret'].forEach((name) => mkdirSync(join(far, name)));
    sshd = await startSshd({ sourceRoots: [join(far, 'roots')], directory: join(far, 'roots/current') });
    station = await TestStation.start({
      env: { DM_DAQ_BATCH_FILES: '100' },
      overlay: () => ({
        storage: { hosts: { det: sshd.host, lab: { ...sshd.host, address: 'localhost' } } },
        daq: { removeGraceSeconds: 0 },
      }),
    });
  });
  afterAll(async () => {
    await station.dispose();
    await sshd.dispose();
    rmSync(far, { recursive: true, force: true });
  });

  /** An experiment, and a directory on the other machine. */
  async function scene(name: string, files = 0): Promise<Scene & { address: string }> {
    const { storageDirectory } = await station.createExperiment(name);
    const source = join(far, 'roots', name);
    mkdirSync(source);
    for (let n = 0; n < files; n += 1) {
      writeFileSync(join(source, `${n}.h5`), `content ${n} `.repeat(2000));
    }
    const data = join(storageDirectory, 'data');
    return { experiment: name, source, storage: storageDirectory, data, address: `@det:${source}` };
  }

  const start = (of: Scene & { address: string }, kind: 'upload' | 'monitor', options: Record<string, unknown> = {}) =>
    station.startAcquisition({ kind, experiment: of.experiment, dataDirectory: of.address, ...options });

  async function expectSame(of: Scene): Promise<void> {
    expect(await md5sumOfTree(of.data)).toEqual(await md5sumOfTree(of.source));
  }

  const refusal = (dataDirectory: string, experiment: string, kind: 'upload' | 'monitor' = 'upload') =>
    station.startAcquisition({ kind, experiment, dataDirectory }).then(
      () => 'started',
      (error: unknown) => error,
    );

  it('is brought home, whatever its files are called, with proof', async () => {
    const of = await scene('far-names');
    const names = ['-rf', 'a b', "it's", 'two\nlines', '$(touch x)', '`id`', '"', '*', '\\n', 'ä💥', 'n'.repeat(255)];
    const directory = Buffer.from(join(of.source, 'd $(x)'));
    mkdirSync(directory);
    for (const name of [...names.map((text) => Buffer.from(text)), Buffer.from([0x61, 0xff, 0x80])]) {
      writeFileSync(Buffer.concat([directory, Buffer.from('/'), name]), `content of ${name.toString('latin1')}`);
    }
    symlinkSync('/etc/passwd', join(of.source, 'link'));
    const end = await station.ended((await start(of, 'upload')).id);
    expect(end).toMatchObject({ status: 'done', dataDirectory: of.address, usesEvents: false });
    expect(end.counts).toMatchObject({ done: names.length + 1, quarantined: 0 });
    await expectSame(of);

    const why = await station.why(of, 'data/d $(x)/a b');
    expect(why.rows[0]).toMatchObject({
      source: { host: 'det', path: join(of.source, 'd $(x)/a b') },
      replicas: [{ destination: 'primary', proof: 'read-back' }],
    });
    // The same files again: known, by host and path.
    const again = await station.ended((await start(of, 'upload')).id);
    expect(again.counts).toMatchObject({ found: 0, unchanged: names.length + 1 });
  });

  it('is monitored without events: new and changed files are found', async () => {
    const of = await scene('far-monitor', 3);
    const { id } = await start(of, 'monitor', { processExisting: true });
    await station.counted(id, 'done', 3);
    mkdirSync(join(of.source, 'new'));
    writeFileSync(join(of.source, 'new/later.h5'), 'x');
    await station.row(of, 'data/new/later.h5', 'done');
    writeFileSync(join(of.source, '0.h5'), 'another content');
    await waitFor(async () => (await station.row(of, 'data/0.h5', 'done')).version === 2, { timeoutMs: 30_000 });
    // A file that grows while it is pulled settles, and the last content is what counts.
    for (let n = 0; n < 12; n += 1) {
      writeFileSync(join(of.source, 'growing.h5'), Buffer.alloc(3_000_000, n), { flag: 'a' });
      await pause(n % 2 === 0 ? 100 : 500);
    }
    await station.row(of, 'data/growing.h5', 'done');
    expect(await station.stopAcquisition(id)).toMatchObject({ status: 'done' });
    expect((await md5sumOfTree(of.data)).get('growing.h5')).toBe((await md5sumOfTree(of.source)).get('growing.h5'));
    await expectSame(of);
  });

  it('leaves alone what was there before a monitor began', async () => {
    const of = await scene('far-existing', 2);
    const { id } = await start(of, 'monitor');
    await station.counted(id, 'skipped', 2);
    writeFileSync(join(of.source, 'fresh.h5'), 'x');
    await station.row(of, 'data/fresh.h5', 'done');
    expect((await station.stopAcquisition(id)).counts).toMatchObject({ done: 1, skipped: 2 });
  });

  it('comes whole over cut connections, and is lost while the server is away', async () => {
    const files = 1500;
    const of = await scene('far-cut', files);
    const { id } = await start(of, 'upload', { quietSeconds: 0 });
    let cut = 0;
    await waitFor(async () => (await station.acquisition(id)).counts.done > 0, { everyMs: 20, timeoutMs: 60_000 });
    for (let n = 0; n < 3; n += 1) {
      cut += sshd.cut();
      await pause(400);
    }
    expect(cut).toBeGreaterThan(0);
    await sshd.stop();
    const lost = await station.inStatus(id, 'source-lost');
    expect(lost.counts.done).toBeLessThan(files);
    const alarm = (await station.alarms()).find((one) => one.key === `daq.source-missing:${id}`);
    expect(alarm?.message).toContain(of.address);
    await pause(3000);
    expect((await station.acquisition(id)).counts).toMatchObject({ skipped: 0, cancelled: 0, quarantined: 0 });
    await sshd.start();

    const end = await station.ended(id, 120_000);
    expect(end).toMatchObject({ status: 'done', counts: { done: files, skipped: 0, quarantined: 0 } });
    await expectSame(of);
    expect((await station.files(of)).length).toBe(files);
    expect(await station.alarms()).toEqual([]);
  });

  it('is lost for its monitor while it is not mounted there, also over a restart', async () => {
    const of = await scene('far-lost', 1);
    const { id } = await start(of, 'monitor', { processExisting: true });
    await station.counted(id, 'done', 1);
    await sshd.stop();
    await station.inStatus(id, 'source-lost');
    await station.killStation();
    writeFileSync(join(of.source, 'meanwhile.h5'), 'x');
    await station.restart();
    await station.inStatus(id, 'source-lost');
    await sshd.start();
    await station.row(of, 'data/meanwhile.h5', 'done');
    expect((await station.stopAcquisition(id)).counts).toMatchObject({ done: 2, skipped: 0 });
    await expectSame(of);
  });

  it('loses files only by proof, when that is asked for', async () => {
    const of = await scene('far-remove', 3);
    mkdirSync(join(of.source, 'kept'));
    const before = await md5sumOfTree(of.source);
    expect(await station.ended((await start(of, 'upload', { removeSourceFiles: true })).id)).toMatchObject({
      status: 'done',
    });
    await waitFor(() => readdirSync(of.source).join() === 'kept', { timeoutMs: 30_000, what: 'the files to go' });
    expect(await md5sumOfTree(of.data)).toEqual(before);
  });

  it('is named by alias, by address, or alone, and may be what a monitor uploads at its end', async () => {
    const of = await scene('far-alias');
    mkdirSync(join(far, 'roots/current'));
    writeFileSync(join(far, 'roots/current/a.h5'), 'x');
    const alone = await station.startAcquisition({ kind: 'upload', experiment: of.experiment, dataDirectory: '@det' });
    expect(await station.ended(alone.id)).toMatchObject({
      status: 'done',
      dataDirectory: `@det:${join(far, 'roots/current')}`,
    });
    const byAddress = await station.startAcquisition({
      kind: 'upload',
      experiment: of.experiment,
      dataDirectory: `@127.0.0.1:${of.source}`,
    });
    expect(await station.ended(byAddress.id)).toMatchObject({ status: 'done', dataDirectory: of.address });

    mkdirSync(join(station.detector, 'near'));
    const monitor = await station.startAcquisition({
      kind: 'monitor',
      experiment: of.experiment,
      dataDirectory: join(station.detector, 'near'),
      uploadDataDirectoryOnExit: '@det',
      uploadDestDirectoryOnExit: 'at-end',
    });
    await station.stopAcquisition(monitor.id);
    const exit = await waitFor(
      async () =>
        ((await station.acquisition(monitor.id)).exitUpload as { acquisitionId?: string } | null) ?? undefined,
      { timeoutMs: 20_000, what: 'the upload at the end' },
    );
    expect(await station.ended(exit.acquisitionId ?? '')).toMatchObject({ status: 'done' });
    await station.row(of, 'data/at-end/a.h5', 'done');
  });

  it('is refused with what to do when it cannot be, or may not be', async () => {
    const of = await scene('far-refused', 1);
    symlinkSync(join(far, 'secret'), join(of.source, 'out'));
    const code = async (address: string) => ((await refusal(address, of.experiment)) as { code?: string }).code;
    expect(await code(`@det:${join(far, 'secret')}`)).toBe('SOURCE_OUTSIDE_ROOTS');
    expect(await code(`@det:${join(of.source, 'out')}`)).toBe('SOURCE_OUTSIDE_ROOTS');
    expect(await code(`@lab:${of.source}`)).toBe('SOURCE_HOST_UNREACHABLE'); // its key is not known under that name
    expect(await code(`@det:${join(of.source, 'none')}`)).toBe('SOURCE_MISSING');
    expect(await code(`@det:${join(of.source, '0.h5')}`)).toBe('SOURCE_NOT_A_DIRECTORY');
    expect(await code(`@det:relative`)).toBe('SOURCE_NOT_ABSOLUTE');
    expect(await code('@det:')).toBe('SOURCE_ADDRESS_INVALID');
    expect(await code('@-oProxyCommand=x:/a')).toBe('SOURCE_ADDRESS_INVALID');
    const unknown = (await refusal('@nowhere:/a', of.experiment)) as Error & { code?: string };
    expect(unknown.code).toBe('HOST_UNKNOWN');
    expect(unknown.message).toContain('storage.hosts');
    const again = await Promise.all([1, 2].map(() => refusal(of.address, of.experiment, 'monitor')));
    expect(again.map((one) => (one as { code?: string }).code ?? one).sort()).toEqual([
      'ACQUISITION_EXISTS',
      'started',
    ]);
    const [running] = (await station.api.get<{ items: AcquisitionAnswer[] }>('/acquisitions', { status: 'active' }))
      .items;
    await station.stopAcquisition(running?.id ?? '');
  });
});
