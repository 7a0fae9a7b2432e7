import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PluginAnswer } from '../../src/cli/api-types.js';
import { repositoryRoot } from '../support/repository-root.js';
import { aStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

/** A plug-in whose fault depends on the file's name. */
const naughty = (name: string, order: number) => `
  export default {
    name: '${name}',
    order: ${order},
    async process(file, { options }) {
      if (file.path.includes('block')) for (;;) {}
      if (file.path.includes('outside')) { setTimeout(() => { throw new Error('thrown outside'); }, 1); await new Promise(() => undefined); }
      if (file.path.includes('exit')) process.exit(3);
      if (file.path.includes('heap')) { const all = []; for (;;) all.push(new Array(1e6).fill(file.path + all.length)); }
      if (file.path.includes('secret')) return { metadata: { environment: Object.keys(process.env).sort().join() } };
      if (file.path.includes('option')) return { metadata: { option: options.colour }, warning: 'look at the colour' };
      if (file.path.includes('nonsense')) return { metadata: 'no object' };
    },
  };`;

const warning = `
  export default {
    name: 'only-warns',
    order: 270,
    process(file) { if (file.path.includes('worrying')) throw new Error('cannot reach the logbook'); },
  };`;

const gated = `
  import { existsSync } from 'node:fs';
  const gate = new URL('../gate', import.meta.url);
  export default {
    name: 'gated',
    order: 280,
    process(file) { if (file.path.includes('patient') && !existsSync(gate)) throw new Error('the gate is shut'); },
  };`;

const batch = `
  import { appendFileSync } from 'node:fs';
  const log = new URL('../batches.log', import.meta.url);
  export default {
    name: 'in-batches',
    order: 290,
    processBatch(files) {
      appendFileSync(log, JSON.stringify(files.map((file) => file.path)) + '\\n');
      if (files.some((file) => file.path.includes('poison'))) throw new Error('poison');
      return files.filter((file) => file.path.includes('unlucky')).map(({ id }) => ({ id, error: 'no luck' }));
    },
  };`;

describe("a beamline's plug-in that misbehaves", () => {
  const station = aStation({
    env: {
      DM_DAQ_MAX_ATTEMPTS: '2',
      DM_DAQ_PLUGIN_TIMEOUT_SECONDS: '1',
      DM_DAQ_PLUGIN_MEMORY_MEGABYTES: '48',
      DM_SECRET_OF_THE_STATION: 'hidden',
    },
    overlay: (folder) => ({
      daq: {
        pluginDirectory: join(folder, 'plugins'),
        plugins: {
          naughty: { options: { colour: 'blue' } },
          'only-warns': { onError: 'warn' },
          gated: { onError: 'retry' },
          'scan-number': { order: 265 },
        },
      },
    }),
    files: {
      'plugins/naughty.mjs': naughty('naughty', 210),
      'plugins/only-warns.mjs': warning,
      'plugins/gated.mjs': gated,
      'plugins/batch.mjs': batch,
      'plugins/scan-number.mjs': readFileSync(join(repositoryRoot, 'config/examples/plugins/scan-number.mjs'), 'utf8'),
    },
  });

  const plugin = async (name: string): Promise<PluginAnswer> => {
    const { items } = await station().api.get<{ items: PluginAnswer[] }>('/plugins');
    const found = items.find((one) => one.name === name);
    expect(found, name).toBeDefined();
    return found!;
  };

  it.each([
    ['block', 'no answer within 1 s'],
    ['outside', 'thrown outside'],
    ['exit', 'ended its thread'],
    ['heap', 'memory limit'],
    ['nonsense', 'dm-plugin.d.ts'],
  ])('with %s hits only that file; the station answers meanwhile', async (what, reason) => {
    const scene = await station().scene(`naughty-${what}`);
    const names = [`${what}.h5`, ...Array.from({ length: 8 }, (_, at) => `fine ${at}.h5`)];
    names.forEach((name) => writeFileSync(join(scene.source, name), name));
    const { id } = await station().startAcquisition({
      kind: 'upload',
      experiment: scene.experiment,
      dataDirectory: scene.source,
    });
    let slowest = 0;
    const end = await waitFor(
      async () => {
        const from = performance.now();
        const acquisition = await station().acquisition(id);
        slowest = Math.max(slowest, performance.now() - from);
        return ['done', 'failed'].includes(acquisition.status) ? acquisition : undefined;
      },
      { timeoutMs: 120_000, what: 'the upload to end' },
    );

    expect(end).toMatchObject({ status: 'failed', counts: { done: 8, quarantined: 1 } });
    expect((await station().why(scene, `data/${what}.h5`)).verdict).toContain(reason);
    // A blocked event loop would show as a second and more.
    expect(slowest).toBeLessThan(900);
    expect(station().process.isRunning).toBe(true);
  });

  it('sees nothing of what the station was started with', async () => {
    const scene = await station().scene('environment');
    writeFileSync(join(scene.source, 'secret.h5'), 'x');
    await station().upload(scene);
    expect((await station().file(scene, 'data/secret.h5')).metadata).toEqual({ environment: 'LANG,PATH' });
  });

  it('gets its options, and what it answers is recorded', async () => {
    const scene = await station().scene('options');
    writeFileSync(join(scene.source, 'option.h5'), 'x');
    expect(await station().upload(scene, { metadata: { option: 'said by a person' } })).toMatchObject({
      status: 'done',
    });
    // What a person said counts more; and the same without a person.
    expect((await station().file(scene, 'data/option.h5')).metadata).toMatchObject({ option: 'said by a person' });
    writeFileSync(join(scene.source, 'option two.h5'), 'x');
    await station().upload(scene);
    expect((await station().file(scene, 'data/option two.h5')).metadata).toMatchObject({ option: 'blue' });
    const why = await station().why(scene, 'data/option two.h5');
    expect(JSON.stringify(why)).toContain('look at the colour');
  });

  it('whose errors only warn lets every file pass, and says so', async () => {
    const scene = await station().scene('warned');
    writeFileSync(join(scene.source, 'worrying.h5'), 'x');
    expect(await station().upload(scene)).toMatchObject({ status: 'done', counts: { done: 1 } });
    expect(JSON.stringify(await station().why(scene, 'data/worrying.h5'))).toContain('cannot reach the logbook');
    expect(await plugin('only-warns')).toMatchObject({
      onError: 'warn',
      warned: 1,
      lastError: { path: 'data/worrying.h5' },
    });
  });

  it('whose errors are retried keeps its file, beyond every limit on attempts, until it goes', async () => {
    const scene = await station().scene('retried');
    writeFileSync(join(scene.source, 'patient.h5'), 'x');
    const { id } = await station().startAcquisition({
      kind: 'upload',
      experiment: scene.experiment,
      dataDirectory: scene.source,
    });
    await waitFor(async () => (await plugin('gated')).failed >= 4, { timeoutMs: 60_000, what: 'four tries' });
    expect(await station().row(scene, 'data/patient.h5', 'cataloguing')).toMatchObject({
      reason: 'Plug-in gated: the gate is shut',
      attempts: 0,
    });
    writeFileSync(join(station().folder, 'gate'), '');
    expect(await station().ended(id)).toMatchObject({ status: 'done' });
  });

  it('that takes batches is asked file by file when it threw, so that only the guilty one is hit', async () => {
    const scene = await station().scene('batches');
    ['one.h5', 'poison.h5', 'three.h5', 'unlucky.h5'].forEach((name) => writeFileSync(join(scene.source, name), name));
    expect(await station().upload(scene)).toMatchObject({ counts: { done: 2, quarantined: 2 } });
    const calls = readFileSync(join(station().folder, 'batches.log'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('poison'))
      .map((line) => (JSON.parse(line) as string[]).length);
    expect(calls[0]).toBe(4);
    expect(calls.slice(1)).toEqual([1, 1]);
    expect((await station().why(scene, 'data/unlucky.h5')).verdict).toContain('no luck');
  });

  it('fills the quarantine, which an alarm tells with its growth', async () => {
    const isTold = async () =>
      (await station().alarms()).some(
        ({ key, message }) => key.startsWith('daq.quarantine:') && message.includes('(2 of them within the last hour)'),
      );
    await waitFor(isTold, { timeoutMs: 20_000, what: 'the alarm of the two files of the batch' });
  });

  it('is listed with what it does, and metrics count it', async () => {
    expect(await plugin('in-batches')).toMatchObject({ origin: 'beamline', form: 'batch', enabled: true });
    expect(await plugin('transfer')).toMatchObject({ origin: 'station', onError: null });
    const text = await (await fetch(`${station().process.url}/metrics`)).text();
    expect(text).toMatch(/dm_daq_plugin_files_total\{plugin="only-warns",result="warned"\} 1/);
  });

  describe('the example', () => {
    it('records the numbers in file names', async () => {
      const scene = await station().scene('example');
      writeFileSync(join(scene.source, 'Ceramic_S0042_00007.tif'), 'x');
      writeFileSync(join(scene.source, 'dark.tif'), 'x');
      expect(await station().upload(scene)).toMatchObject({ status: 'done' });
      const found = await station().file(scene, 'data/Ceramic_S0042_00007.tif');
      expect(found.metadata).toEqual({ scanNumber: 42, imageNumber: 7 });
      expect(JSON.stringify(await station().why(scene, 'data/dark.tif'))).toContain(
        'no scan number in the name dark.tif',
      );
    });

    it('starts from its folder as it is, with its types beside it', async () => {
      const example = join(repositoryRoot, 'config/examples/plugins');
      const folder = join(station().folder, 'plugins');
      mkdirSync(folder, { recursive: true });
      copyFileSync(join(example, 'dm-plugin.d.ts'), join(folder, 'dm-plugin.d.ts'));
      await station().stop();
      await station().restart();
      expect(await plugin('scan-number')).toMatchObject({ order: 265, enabled: true });
      expect(existsSync(join(folder, 'dm-plugin.d.ts'))).toBe(true);
    });
  });

  it('is refused by name where the configuration speaks of one that is not there', async () => {
    await station().stop();
    const overlay = join(station().dataDirectory, 'station.yaml');
    const before = readFileSync(overlay, 'utf8');
    for (const [settings, reason] of [
      [{ 'scan-numbr': {} }, 'there is no plug-in scan-numbr'],
      [{ transfer: { enabled: false } }, 'transfer.enabled cannot be set'],
      [{ gated: { order: 290 } }, 'name and order must be its own'],
    ] as const) {
      const config = JSON.parse(before) as { daq: { plugins: Record<string, unknown> } };
      config.daq.plugins = settings;
      writeFileSync(overlay, JSON.stringify(config));
      const start = station().launch();
      expect((await start.ended).code).toBe(1);
      expect(start.output).toContain(reason);
    }
    writeFileSync(overlay, before);
  });
});
