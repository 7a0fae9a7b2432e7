import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aPipelineFile } from '../../../../test/support/pipeline-file.js';
import { AreaRights, storageConfigSchema } from '../../../storage/index.js';
import type { PipelineFile } from '../../pipeline/file-plugin.port.js';
import { ChecksumManifest } from './checksum-manifest.js';

const md5 = (content: string) => createHash('md5').update(content).digest('hex');
const rights = new AreaRights({ storage: storageConfigSchema.parse({ root: '/', directoryMode: '0750' }) });

describe(ChecksumManifest.name, () => {
  let experiment: string;
  const newest = new Map<string, number>();
  const aManifest = (per: 'directory' | 'acquisition' = 'directory') =>
    new ChecksumManifest(per, { newestVersions: () => Promise.resolve(newest), rights });

  beforeEach(() => {
    experiment = mkdtempSync(join(tmpdir(), 'dm-manifest-'));
    newest.clear();
  });
  afterEach(() => rmSync(experiment, { recursive: true }));

  function stored(path: string | Buffer, content = 'x', row: Partial<PipelineFile['row']> = {}): PipelineFile {
    const at = Buffer.concat([Buffer.from(`${experiment}/`), Buffer.from(path)]);
    mkdirSync(at.subarray(0, at.lastIndexOf(0x2f)), { recursive: true });
    writeFileSync(at, content);
    return aPipelineFile(path, { directory: experiment, row: { md5Sum: md5(content), ...row } });
  }

  const linesOf = (manifest: string) =>
    readFileSync(join(experiment, manifest), 'latin1')
      .split('\n')
      .filter((line) => line !== '');

  /** The real md5sum, as somebody would run it in years; answers how many it found to be OK. */
  function check(manifest: string): number {
    const output = execFileSync('md5sum', ['-c', '--strict', manifest], { cwd: experiment, encoding: 'latin1' });
    return output.split('\n').filter((line) => line.endsWith(': OK')).length;
  }

  it('keeps a list for each directory that md5sum checks, whatever the names', async () => {
    const names = [
      'plain.h5',
      ' spaces ',
      'back\\slash',
      'two\nlines',
      'carriage\r',
      '*star',
      `a 'b' $(c).tif`,
      '-rf',
      '#x',
    ];
    const files = [
      ...names.map((name) => stored(`data/scan 1/${name}`, name)),
      stored(Buffer.concat([Buffer.from('data/scan 1/'), Buffer.of(0xff, 0xfe)]), 'raw'),
      stored('data/other/a.h5'),
    ];
    expect(await aManifest().process(files)).toEqual(files.map(() => ({ kind: 'passed' })));
    expect(check('system/manifests/data/scan 1/manifest.md5')).toBe(names.length + 1);
    expect(check('system/manifests/data/other/manifest.md5')).toBe(1);
    const { mode } = statSync(join(experiment, 'system/manifests/data/other/manifest.md5'));
    expect(mode & 0o777).toBe(0o640);
  });

  it('notices a file that changed', async () => {
    await aManifest().process([stored('data/a.h5', 'good')]);
    writeFileSync(join(experiment, 'data/a.h5'), 'evil');
    expect(() => check('system/manifests/data/manifest.md5')).toThrow(/FAILED|did NOT match/);
  });

  it('keeps a list for each acquisition, when asked', async () => {
    await aManifest('acquisition').process([stored('data/a.h5'), stored('data/deep/b.h5')]);
    expect(check('system/manifests/acquisitions/a1.md5')).toBe(2);
  });

  it('repeats nothing when a batch comes again, and mends a line that a crash has cut', async () => {
    const files = ['a', 'b', 'c'].map((name) => stored(`data/${name}.h5`, name));
    await aManifest().process(files.slice(0, 2));
    const manifest = 'system/manifests/data/manifest.md5';
    appendFileSync(join(experiment, manifest), `${md5('c')}  data/c.`);
    await aManifest().process(files);
    expect(linesOf(manifest)).toEqual(['a', 'b', 'c'].map((name) => `${md5(name)}  data/${name}.h5`));
    expect(check(manifest)).toBe(3);
  });

  it('loses no line of batches that come at the same time', async () => {
    const manifest = aManifest();
    const batches = Array.from({ length: 20 }, (_, batch) =>
      Array.from({ length: 20 }, (_file, at) => stored(`data/${batch}-${at}.h5`, `${batch}-${at}`)),
    );
    await Promise.all(batches.map((batch) => manifest.process(batch)));
    expect(check('system/manifests/data/manifest.md5')).toBe(400);
  });

  it('follows a file that came again: its new content, and where the old one is kept', async () => {
    const manifest = aManifest();
    await manifest.process([stored('data/a.h5', 'old'), stored('data/b.h5', 'b')]);
    const kept = join(experiment, 'system/versions/v1/data/a.h5');
    mkdirSync(dirname(kept), { recursive: true });
    renameSync(join(experiment, 'data/a.h5'), kept);
    const previous = {
      id: '1',
      version: 1,
      md5Sum: md5('old'),
      sizeBytes: 3n,
      mtimeNs: 0n,
      storedAt: '',
      proof: 'read-back',
    } as const;
    await manifest.process([stored('data/a.h5', 'new', { version: 2, previous })]);
    expect(linesOf('system/manifests/data/manifest.md5')).toEqual([
      `${md5('b')}  data/b.h5`,
      `${md5('old')}  system/versions/v1/data/a.h5`,
      `${md5('new')}  data/a.h5`,
    ]);
    expect(check('system/manifests/data/manifest.md5')).toBe(3);

    // A batch of the first version that was held up until now does not bring its old line back.
    const late = stored('data/a.h5', 'new', { version: 1, md5Sum: md5('old') });
    newest.set(late.row.id, 2);
    await manifest.process([late]);
    expect(check('system/manifests/data/manifest.md5')).toBe(3);
  });

  it('lists no digest that was true of older content alone', async () => {
    const manifest = aManifest();
    await manifest.process([stored('data/a.h5', 'old'), stored('data/b.h5', 'b')]);
    const previous = { id: '1', version: 1, md5Sum: md5('old'), sizeBytes: 3n, mtimeNs: 0n, storedAt: '', proof: null };
    await manifest.process([stored('data/a.h5', 'new', { version: 2, md5Sum: null, previous })]);
    expect(linesOf('system/manifests/data/manifest.md5')).toEqual([`${md5('b')}  data/b.h5`]);
  });

  it('says which file it cannot list', async () => {
    expect(await aManifest().process([stored('data/a.h5', 'x', { md5Sum: null })])).toMatchObject([
      { kind: 'passed', warning: { code: 'MANIFEST_NO_DIGEST' } },
    ]);
    expect(existsSync(join(experiment, 'system'))).toBe(false);
  });

  it('takes another name for the list where a directory or the length of the path is in the way', async () => {
    const files = [stored('data/manifest.md5/a.h5'), stored('data/b.h5')];
    const manifest = aManifest();
    for (const file of files) {
      expect(await manifest.process([file])).toEqual([{ kind: 'passed' }]);
    }
    const name = createHash('sha256').update('system/manifests/data/manifest.md5').digest('hex');
    expect(check(`system/manifests/by-sha256/${name}.md5`)).toBe(1);
  });

  it('follows no link that somebody has put in the place of a list', async () => {
    const target = join(experiment, 'precious');
    writeFileSync(target, 'precious');
    mkdirSync(join(experiment, 'system/manifests/data'), { recursive: true });
    symlinkSync(target, join(experiment, 'system/manifests/data/manifest.md5'));
    await expect(aManifest().process([stored('data/a.h5')])).rejects.toThrow('ELOOP');
    expect(readFileSync(target, 'utf8')).toBe('precious');
  });
});
