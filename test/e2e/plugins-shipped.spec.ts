import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PluginAnswer } from '../../src/cli/api-types.js';
import { freePort } from '../support/free-port.js';
import { aStation, type TestStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

const SECRET = 'never to be seen anywhere 4711';

describe('the plug-ins that come with the station', () => {
  let server: Server | undefined;
  let port = 0;
  const calls: { id: string; files: { id: string; path: string }[] }[] = [];

  const listen = () =>
    new Promise<void>((resolve) => {
      server = createServer((request, response) => {
        void text(request).then((body) => {
          calls.push(JSON.parse(body) as (typeof calls)[number]);
          response.writeHead(204).end();
        });
      }).listen(port, '127.0.0.1', resolve);
    });

  beforeAll(async () => {
    port = await freePort();
  });
  afterAll(() => {
    server?.closeAllConnections();
    server?.close();
  });

  const station: () => TestStation = aStation(() => ({
    env: { DM_DAQ_VIGILANCE_LOOK_SECONDS: '0.5' },
    overlay: (folder) => ({
      daq: {
        webhooks: { allow: [`http://127.0.0.1:${port}/`], secretFile: join(folder, 'secret') },
        plugins: {
          'metadata-reader': {
            options: { readers: [{ files: ['*.h5'], command: ['/bin/sh', join(folder, 'read-header')] }] },
          },
          'checksum-manifest': {},
          webhook: { options: { url: `http://127.0.0.1:${port}/dm` } },
        },
      },
    }),
    files: {
      secret: SECRET,
      'read-header':
        'case "$1" in *broken*) echo "no header in it" >&2; exit 1;; esac\nprintf "energy: 12.4\\nsample: from the header\\nbytes: %s\\n" "$(wc -c < "$1")"',
    },
  }));

  const plugin = async (name: string): Promise<PluginAnswer | undefined> =>
    (await station().api.get<{ items: PluginAnswer[] }>('/plugins')).items.find((one) => one.name === name);

  const isAlarmed = async () => (await station().alarms()).some(({ key }) => key === 'daq.plugin-silent:webhook');

  it('read headers, keep the manifest, and tell a receiver once it is there', async () => {
    const scene = await station().scene('shipped');
    const names = ['a.h5', 'broken.h5', `it's $(here)\\.h5`, 'frame.tif'];
    names.forEach((name) => writeFileSync(join(scene.source, name), name));
    const { id } = await station().startAcquisition({
      kind: 'upload',
      experiment: scene.experiment,
      dataDirectory: scene.source,
      metadata: { sample: 'from a person' },
    });

    // Nobody answers at the webhook yet: the files wait at that step, for as long as it takes.
    const waits = async () => {
      const [row] = await station().ledger(scene, { path: 'data/a.h5' });
      return row?.reasonCode === 'WEBHOOK_UNREACHABLE' ? row : undefined;
    };
    const row = await waitFor(waits, { timeoutMs: 60_000, everyMs: 50, what: 'a try in vain' });
    expect(row).toMatchObject({ state: 'cataloguing', attempts: 0 });
    await waitFor(isAlarmed, { timeoutMs: 20_000, what: 'the alarm of the silent plug-in' });
    await listen();
    expect(await station().ended(id)).toMatchObject({ status: 'done', counts: { done: 4, quarantined: 0 } });
    await waitFor(async () => !(await isAlarmed()), { timeoutMs: 20_000, what: 'the alarm to go' });

    const told = new Set(calls.flatMap((call) => call.files.map((file) => file.id)));
    const files = await station().files(scene);
    expect([...told].sort()).toEqual(files.map((file) => file.id).sort());

    const metadataOf = async (path: string) => (await station().file(scene, path)).metadata;
    expect(await metadataOf('data/a.h5')).toEqual({ energy: 12.4, sample: 'from a person', bytes: 4 });
    expect(await metadataOf('data/frame.tif')).toEqual({ sample: 'from a person' });
    const broken = await metadataOf('data/broken.h5');
    expect(broken['metadataReaderError']).toContain('exit code 1: no header in it');
    const why = await station().why(scene, 'data/broken.h5');
    expect(why.rows[0]?.state).toBe('done');
    expect(JSON.stringify(why)).toContain('no header in it');

    const checked = execFileSync('md5sum', ['-c', '--strict', 'system/manifests/data/manifest.md5'], {
      cwd: scene.storage,
      encoding: 'utf8',
    });
    expect(checked.split('\n').filter((line) => line.endsWith(': OK'))).toHaveLength(4);
  });

  it('keep the manifest true when a file comes again', async () => {
    const scene = await station().scene('again');
    writeFileSync(join(scene.source, 'a.h5'), 'first');
    await station().upload(scene);
    writeFileSync(join(scene.source, 'a.h5'), 'second, longer');
    await station().upload(scene);
    const checked = execFileSync('md5sum', ['-c', '--strict', 'system/manifests/data/manifest.md5'], {
      cwd: scene.storage,
      encoding: 'utf8',
    });
    expect(checked.trim().split('\n').sort()).toEqual(['data/a.h5: OK', 'system/versions/v1/data/a.h5: OK']);
  });

  it('show their settings, never the secret', async () => {
    expect(await plugin('webhook')).toMatchObject({ enabled: true, onError: 'retry', order: 400 });
    expect(await plugin('metadata-reader')).toMatchObject({ onError: 'warn', form: 'file', warned: 1 });
    const everywhere = [
      JSON.stringify(await station().api.get('/plugins')),
      JSON.stringify(await station().api.get('/station')),
      JSON.stringify(calls),
      station().process.output,
    ];
    everywhere.forEach((text) => expect(text).not.toContain(SECRET));
  });

  it('stop the start with every mistake in their options', async () => {
    const broken = join(station().dataDirectory, 'broken.yaml');
    const problem = async (plugins: Record<string, unknown>) => {
      writeFileSync(broken, JSON.stringify({ daq: { plugins, webhooks: { allow: [] } } }));
      const start = station().launch({ DM_CONFIG: broken });
      expect((await start.ended).code).toBe(1);
      return start.output;
    };
    await station().stop();
    expect(await problem({ 'metadata-reader': { options: { readers: [{ files: [], command: ['x'] }] } } })).toContain(
      'must be an absolute path',
    );
    expect(await problem({ webhook: { options: { url: 'http://127.0.0.1:9/' } } })).toContain('WEBHOOK_NOT_ALLOWED');
  });
});
