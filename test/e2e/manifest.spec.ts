import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apiPath } from '../../src/cli/api-client.js';
import { repositoryRoot } from '../support/repository-root.js';
import { aStation, type Scene } from '../support/station.js';

/** Names that break lists: each byte of them is legal on Linux. */
const AWKWARD = [
  'plain.h5',
  ' leading and trailing ',
  '*star',
  '#comment',
  '-dash',
  'back\\slash',
  'line\nfeed',
  'carriage\rreturn',
  'all\\three\n\r',
  'emoji 🦊',
].map((name) => Buffer.from(name));
const INVALID_UTF8 = Buffer.concat([Buffer.from('invalid '), Buffer.of(0xff, 0xfe, 0x80)]);

describe('the manifest of an experiment', () => {
  const station = aStation();

  const manifest = async (scene: Scene, query: Record<string, string> = {}) => {
    const body = await station().api.open(apiPath`/experiments/${scene.experiment}/manifest`, { query });
    return Buffer.from(await new Response(body).arrayBuffer());
  };
  const check = (scene: Scene, list: Buffer, program = 'md5sum') =>
    spawnSync(program, ['--check', '--strict', '--quiet', '-'], {
      cwd: scene.storage,
      input: list,
      encoding: 'latin1',
    });

  it('passes md5sum -c with every name that a file can have', async () => {
    const scene = await station().scene('awkward-names');
    const names = [...AWKWARD, INVALID_UTF8];
    for (const name of names) {
      writeFileSync(Buffer.concat([Buffer.from(`${scene.source}/`), name]), `content of ${name.toString('hex')}`);
    }
    expect(await station().upload(scene)).toMatchObject({ status: 'done', counts: { done: names.length } });

    const list = await manifest(scene);

    expect(check(scene, list)).toMatchObject({ status: 0, stdout: '', stderr: '' });
    const lines = list.toString('latin1').split('\n');
    const entries = lines.flatMap((line, index) => (line !== '' && !line.startsWith('#') ? [index] : []));
    expect(entries).toHaveLength(names.length);
    const evidence = /^# version 1, proof read-back, verified \d{4}-\d\d-\d\dT[\d:.]+Z, copies: primary$/;
    expect(entries.filter((index) => !evidence.test(lines[index - 1] ?? ''))).toEqual([]);
    expect(lines.at(-2)).toMatch(new RegExp(`^# End: ${names.length} verified files with \\d+ bytes, 0 others$`));
    // And it is word for word what md5sum itself would write.
    const own = execFileSync('md5sum', ['--', ...AWKWARD.map((name) => `data/${name.toString()}`)], {
      cwd: scene.storage,
      encoding: 'latin1',
    });
    expect(own.trimEnd().split('\n').sort()).toEqual(
      lines.filter((line) => line !== '' && !line.startsWith('#') && !line.includes('invalid ')).sort(),
    );
  });

  it('passes sha256sum -c with the same names once an audit has computed the digests, and is refused before', async () => {
    const scene = await station().scene('awkward-sha256');
    for (const name of [...AWKWARD, INVALID_UTF8]) {
      writeFileSync(Buffer.concat([Buffer.from(`${scene.source}/`), name]), `content of ${name.toString('hex')}`);
    }
    await station().upload(scene);
    await expect(manifest(scene, { format: 'sha256sum' })).rejects.toMatchObject({
      code: 'MANIFEST_DIGESTS_MISSING',
      details: { missing: AWKWARD.length + 1 },
    });

    const command = ['experiment', 'manifest', scene.experiment, '--format', 'sha256sum', '--compute'];
    const list = execFileSync(process.execPath, [join(repositoryRoot, 'dist/src/cli.js'), ...command], {
      env: { PATH: process.env['PATH'], DM_URL: station().process.url, DM_TOKEN: station().token },
    });

    expect(check(scene, list, 'sha256sum')).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(list.toString('latin1')).toContain(`# End: ${AWKWARD.length + 1} verified files`);
    expect(check(scene, await manifest(scene, { format: 'sha256sum' }), 'sha256sum')).toMatchObject({ status: 0 });
  });

  it('names a file that does not hold what it says', async () => {
    const scene = await station().scene('tampered');
    writeFileSync(join(scene.source, 'a.h5'), 'content');
    await station().upload(scene);
    const list = await manifest(scene);
    writeFileSync(join(scene.data, 'a.h5'), 'c0ntent');
    expect(check(scene, list)).toMatchObject({ status: 1, stdout: 'data/a.h5: FAILED\n' });
  });

  it('lists the newest version, or all of them where they are kept', async () => {
    const scene = await station().scene('versions');
    mkdirSync(join(scene.source, 'run'));
    for (const content of ['first', 'second', 'third']) {
      writeFileSync(join(scene.source, 'run/a.h5'), content);
      writeFileSync(join(scene.source, `${content}.h5`), content);
      await station().upload(scene, { quietSeconds: 0 });
    }
    const latest = await manifest(scene);
    const all = await manifest(scene, { versions: 'all' });
    const prefixed = await manifest(scene, { versions: 'all', pathPrefix: 'data/run/' });

    expect(namesIn(latest)).toEqual(['data/first.h5', 'data/run/a.h5', 'data/second.h5', 'data/third.h5']);
    const kept = ['system/versions/v1/data/run/a.h5', 'system/versions/v2/data/run/a.h5'];
    expect(namesIn(all)).toEqual([...namesIn(latest), ...kept]);
    expect(namesIn(prefixed)).toEqual(['data/run/a.h5', ...kept]);
    for (const list of [latest, all, prefixed]) {
      expect(check(scene, list)).toMatchObject({ status: 0, stdout: '', stderr: '' });
    }
    const lines = (await manifest(scene, { format: 'ndjson', versions: 'all', pathPrefix: 'data/run/' }))
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ version, isLatest }) => [version, isLatest])).toEqual([
      [1, false],
      [2, false],
      [3, true],
    ]);
    expect(lines[2]).toMatchObject({
      path: 'data/run/a.h5',
      md5Sum: execFileSync('md5sum', [join(scene.data, 'run/a.h5')], { encoding: 'utf8' }).slice(0, 32),
      isVerified: true,
      copies: [{ destination: 'primary', location: 'data/run/a.h5', proof: 'read-back', isVerified: true }],
      source: { path: join(scene.source, 'run/a.h5') },
    });
  });

  it('says what is not there instead of an empty or a broken list', async () => {
    const scene = await station().scene('refusals');
    const text = (await manifest(scene)).toString();
    expect(text).toContain('# End: 0 verified files with 0 bytes, 0 others');
    await expect(manifest(scene, { format: 'crc' })).rejects.toMatchObject({ status: 422 });
    await expect(manifest(scene, { pathPrefix: '\\q' })).rejects.toMatchObject({ code: 'PATH_INVALID' });
    await expect(manifest({ ...scene, experiment: 'unknown' })).rejects.toMatchObject({ code: 'EXPERIMENT_NOT_FOUND' });
  });
});

function namesIn(list: Buffer): string[] {
  return list
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(34))
    .sort();
}
