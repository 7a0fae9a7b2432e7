import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PluginAnswer } from '../../src/cli/api-types.js';
import { aStation } from '../support/station.js';

/** Writes a line for each call beside the station's data, so that the test sees what really ran. */
const recording = (name: string, order: number, body: string) => `
  import { appendFileSync } from 'node:fs';
  const log = new URL('../calls.log', import.meta.url);
  export default {
    name: '${name}',
    order: ${order},
    async process(file, { signal }) {
      appendFileSync(log, JSON.stringify({ plugin: '${name}', ...file }) + '\\n');
      ${body}
    },
  };`;

/** Each call waits until three are under way, and then for longer than the station's own time limit. */
const TRIO = `
  let inside = 0;
  let most = 0;
  let waiting = [];
  export default {
    name: 'trio',
    order: 220,
    async process(file) {
      if (!file.path.includes('together')) return;
      most = Math.max(most, (inside += 1));
      await new Promise((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 3) waiting.splice(0).forEach((go) => setTimeout(go, 800));
      });
      inside -= 1;
      return { metadata: { most } };
    },
  };`;

interface Call {
  plugin: string;
  path: string;
  [fact: string]: unknown;
}

describe("a beamline's own plug-ins", () => {
  const station = aStation({
    env: { DM_DAQ_MAX_ATTEMPTS: '2', DM_DAQ_PLUGIN_TIMEOUT_SECONDS: '0.5' },
    overlay: (folder) => ({
      daq: { pluginDirectory: join(folder, 'plugins'), plugins: { trio: { concurrency: 3, timeoutSeconds: 30 } } },
    }),
    files: {
      // Named against their order: what counts is `order`.
      'plugins/a-late.mjs': recording('late', 250, ''),
      'plugins/z-early.mjs': recording(
        'early',
        150,
        `if (file.path.includes('refused')) throw new Error('bad header');`,
      ),
      'plugins/m-slow.mjs': recording(
        'slow',
        210,
        `if (file.path.includes('stuck')) await new Promise(() => undefined);`,
      ),
      'plugins/trio.mjs': TRIO,
      'plugins/notes.txt': 'not a plug-in',
    },
  });

  const calls = (): Call[] => {
    const log = join(station().folder, 'calls.log');
    const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Call]));
  };
  const callsFor = (path: string) => calls().filter((call) => call.path === path);

  it('run in the order that they ask for, between the shipped ones', async () => {
    const { items } = await station().api.get<{ items: PluginAnswer[] }>('/plugins');
    const running = items.filter(({ enabled }) => enabled).map(({ name }) => name);
    expect(running).toEqual(['transfer', 'directory', 'early', 'catalog', 'slow', 'trio', 'late', 'workflow']);
    const scene = await station().scene('ordered');
    writeFileSync(join(scene.source, `a 'b' $(c).h5`), 'content');
    await station().upload(scene, { metadata: { sample: 'Ni' } });

    const path = `data/a 'b' $(c).h5`;
    expect(callsFor(path).map((call) => call.plugin)).toEqual(['early', 'slow', 'late']);
    expect(callsFor(path)[0]).toMatchObject({
      experiment: scene.experiment,
      absolutePath: join(scene.storage, path),
      sourcePath: join(scene.source, `a 'b' $(c).h5`),
      version: 1,
      sizeBytes: 7,
      md5Sum: '9a0364b9e99bb480dd25e1f0284c8555',
      metadata: { sample: 'Ni' },
    });
  });

  it('can be left out by an acquisition', async () => {
    const scene = await station().scene('skipping');
    writeFileSync(join(scene.source, 'refused but skipped.h5'), 'x');
    expect(await station().upload(scene, { skipPlugins: ['early', 'slow'] })).toMatchObject({ status: 'done' });
    expect(callsFor('data/refused but skipped.h5').map((call) => call.plugin)).toEqual(['late']);
  });

  it('that throw are tried again, then their file is quarantined; the others of its batch go on', async () => {
    const scene = await station().scene('throwing');
    for (const name of ['fine 1.h5', 'refused.h5', 'fine 2.h5']) {
      writeFileSync(join(scene.source, name), name);
    }
    const end = await station().upload(scene);

    expect(end).toMatchObject({ status: 'failed', counts: { done: 2, quarantined: 1 } });
    expect(callsFor('data/refused.h5').map((call) => call.plugin)).toEqual(['early', 'early']);
    const why = await station().why(scene, 'data/refused.h5');
    expect(why.verdict).toBe('It needs a person. Plug-in early: bad header');
    expect(why.rows).toMatchObject([{ state: 'quarantined', reasonCode: 'PLUGIN_FAILED', attempts: 2 }]);
    // The copy is safe whatever the plug-in says.
    expect(readFileSync(join(scene.data, 'refused.h5'), 'utf8')).toBe('refused.h5');
    expect((await station().files(scene)).map((file) => file.name).sort()).toEqual(['fine 1.h5', 'fine 2.h5']);

    // New content is a new version, with the refused one kept.
    writeFileSync(join(scene.source, 'refused.h5'), 'new content, still refused');
    await station().upload(scene);
    expect((await station().ledger(scene, { path: 'data/refused.h5' })).map((row) => row.version)).toEqual([2, 1]);
    const kept = join(scene.storage, 'system/versions/v1/data/refused.h5');
    expect(readFileSync(kept, 'utf8')).toBe('refused.h5');
  });

  it('that never answer hold up only their file', async () => {
    const scene = await station().scene('hanging');
    writeFileSync(join(scene.source, 'stuck.h5'), 'x');
    writeFileSync(join(scene.source, 'fine.h5'), 'x');
    const end = await station().upload(scene);

    expect(end).toMatchObject({ status: 'failed', counts: { done: 1, quarantined: 1 } });
    expect((await station().why(scene, 'data/stuck.h5')).verdict).toContain('no answer within 0.5 s');
    // It was past the catalog already, and goes on from there when a person tries again.
    expect((await station().files(scene)).map((file) => file.name).sort()).toEqual(['fine.h5', 'stuck.h5']);
    const again = await station().upload(scene, { skipPlugins: ['slow'] });
    expect(again).toMatchObject({ status: 'done', counts: { done: 1, unchanged: 1 } });
    expect(callsFor('data/stuck.h5').map((call) => call.plugin)).toEqual(['early', 'slow', 'slow', 'late']);
  });

  it('are called as often at once, and waited for as long, as the configuration says of each', async () => {
    const { items } = await station().api.get<{ items: PluginAnswer[] }>('/plugins');
    const settings = items.map(({ name, concurrency, timeoutSeconds }) => ({ name, concurrency, timeoutSeconds }));
    expect(settings).toContainEqual({ name: 'trio', concurrency: 3, timeoutSeconds: 30 });
    expect(settings).toContainEqual({ name: 'slow', concurrency: 4, timeoutSeconds: 0.5 });
    const scene = await station().scene('together');
    for (let number = 1; number <= 6; number += 1) {
      writeFileSync(join(scene.source, `together ${number}.h5`), 'x');
    }
    expect(await station().upload(scene)).toMatchObject({ status: 'done', counts: { done: 6 } });
    const found = (await station().files(scene)).map(({ metadata }) => metadata['most']);
    expect(found).toEqual([3, 3, 3, 3, 3, 3]);
  });

  it('that cannot be loaded stop the start by name, since nobody would notice that they never ran', async () => {
    await station().stop();
    const broken = join(station().folder, 'plugins/broken.mjs');
    for (const [content, reason] of [
      ['export default { name: "broken", order: 50, process() {} };', 'run after the transfer'],
      ['export default { name: "catalog", order: 199, process() {} };', 'name and order must be its own'],
      ['this is no JavaScript', 'broken.mjs'],
    ] as const) {
      writeFileSync(broken, content);
      const start = station().launch();
      expect((await start.ended).code).toBe(1);
      expect(start.output).toContain('[PLUGIN_INVALID]');
      expect(start.output).toContain(reason);
    }
  });
});
