import {
  lstatSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  readSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apiPath } from '../../src/cli/api-client.js';
import type { FileAnswer, Statistics } from '../../src/cli/api-types.js';
import { pathToText } from '../../src/kernel/path-text.js';
import { AWKWARD_NAMES } from '../../src/tools/detector/awkward-names.js';
import { md5sumOfTree } from '../support/md5sum.js';
import { aStation, type Scene } from '../support/station.js';

const NAMES: Buffer[] = [
  ...AWKWARD_NAMES.map((name) => name.bytes),
  ...[
    'two\nlines\r',
    'tab\tbell\u0007\u001b[31m',
    '; rm -rf ~; #',
    '$(touch PWNED)',
    '-n',
    '--',
    '😀🔬 e\u0301',
    '\ufeffBOM',
  ].map((text) => Buffer.from(text)),
  Buffer.from([0xff, 0xfe, 0x80]),
  Buffer.from([0xed, 0xa0, 0x80]), // half of a surrogate pair
  Buffer.from('\ufffd'), // the character that stands for damage, here meant
  Buffer.alloc(255, 'n'),
  Buffer.from('%2e%2e%2fetc'),
  Buffer.from('*'),
];
const GIB = 1024 ** 3;
const TEXT = 'far beyond what 32 bits can count';

describe('files that break other systems', () => {
  const station = aStation();

  const inside = (directory: string, ...parts: Buffer[]) =>
    Buffer.concat([Buffer.from(directory), ...parts.flatMap((part) => [Buffer.from('/'), part])]);

  /** Each name as a file, and as a folder with a file. */
  function writeAll(directory: string): void {
    NAMES.forEach((name, index) => {
      writeFileSync(inside(directory, name), `file ${index}`);
      mkdirSync(inside(directory, Buffer.from('folders'), name), { recursive: true });
      writeFileSync(inside(directory, Buffer.from('folders'), name, name), `inner ${index}`);
    });
  }

  async function expectAllThere(scene: Scene): Promise<void> {
    // Names compared as bytes, by a tool that never decodes them.
    const atSource = await md5sumOfTree(scene.source);
    expect(atSource.size).toBe(NAMES.length * 2);
    expect(await md5sumOfTree(scene.data)).toEqual(atSource);
    const listed = new Map((await station().files(scene)).map((file) => [file.path, file.md5Sum]));
    for (const [name, md5Sum] of atSource) {
      const path = pathToText(Buffer.from(`data/${name}`, 'latin1'));
      expect(listed.get(path)).toBe(md5Sum);
      expect(await station().file(scene, path)).toMatchObject({ path, md5Sum });
      expect((await station().why(scene, path)).verdict).toContain('It is safe: version 1');
      expect(await station().ledger(scene, { path })).toMatchObject([{ path, state: 'done', md5Sum }]);
      const filter = JSON.stringify({ path });
      const found = await station().api.allItems<FileAnswer>(apiPath`/experiments/${scene.experiment}/files`, {
        filter,
      });
      expect(found.map((file) => file.path)).toEqual([path]);
    }
    const [first = ''] = atSource.keys();
    const bySource = pathToText(Buffer.from(`${scene.source}/${first}`, 'latin1'));
    expect((await station().why(scene, bySource)).verdict).toContain('It is safe');
    expect(listed.size).toBe(atSource.size);
  }

  it('arrive byte for byte by upload and can be asked for', async () => {
    const scene = await station().scene('names-upload');
    writeAll(scene.source);
    expect(await station().upload(scene)).toMatchObject({ status: 'done', counts: { done: NAMES.length * 2 } });
    await expectAllThere(scene);
  });

  it('arrive byte for byte by monitor and can be asked for', async () => {
    const scene = await station().scene('names-monitor');
    const { id } = await station().monitor(scene);
    writeAll(scene.source);
    await station().counted(id, 'done', NAMES.length * 2);
    await expectAllThere(scene);
    await station().stopAcquisition(id);
  });

  it('arrive below awkward directories, named so in the requests', async () => {
    const scene = await station().scene('names-directories');
    const name = Buffer.concat([Buffer.from(`it's "a" $(b) 😀\n`), Buffer.from([0xff])]);
    mkdirSync(inside(scene.source, name));
    writeFileSync(inside(scene.source, name, Buffer.from('a.h5')), 'x');
    const end = await station().upload(scene, {
      dataDirectory: `${scene.source}/${pathToText(name)}`,
      destDirectory: pathToText(name),
    });
    expect(end).toMatchObject({ status: 'done', destDirectory: `data/${pathToText(name)}`, counts: { done: 1 } });
    expect(readdirSync(scene.data, { encoding: 'buffer' })).toEqual([name]);
    expect(await station().file(scene, `data/${pathToText(name)}/a.h5`)).toMatchObject({ name: 'a.h5' });
  });

  it('keep their size everywhere when they are larger than 4 GiB, and their holes', { timeout: 300_000 }, async () => {
    const size = 6 * GIB;
    const scene = await station().scene('sparse');
    const source = join(scene.source, 'sparse.raw');
    truncateSync(touch(source), size);
    writeAt(source, 5 * GIB, TEXT);
    writeFileSync(join(scene.source, 'small.h5'), 'x');
    const { id } = await station().startAcquisition({
      kind: 'upload',
      experiment: scene.experiment,
      dataDirectory: scene.source,
      quietSeconds: 0,
    });
    const end = await station().ended(id, 240_000);

    expect(end).toMatchObject({ status: 'done', counts: { done: 2, bytesDone: size + 1, bytesTotal: size + 1 } });
    const copy = join(scene.data, 'sparse.raw');
    for (const file of [source, copy]) {
      const stats = lstatSync(file);
      expect(stats.size).toBe(size);
      expect(stats.blocks * 512).toBeLessThan(64 * 1024 ** 2);
    }
    // The station has read every byte back; here only the places that matter, since 6 GiB take a while.
    for (const position of [0, 5 * GIB - 1024, size - 1024]) {
      expect(readAt(copy, position, 4096).equals(readAt(source, position, 4096))).toBe(true);
    }
    expect(readAt(copy, 5 * GIB, TEXT.length).toString()).toBe(TEXT);
    expect(await station().file(scene, 'data/sparse.raw')).toMatchObject({ sizeBytes: size });
    expect(await station().ledger(scene, { path: 'data/sparse.raw' })).toMatchObject([{ sizeBytes: size }]);
    const [row] = (await station().why(scene, 'data/sparse.raw')).rows;
    expect(row?.replicas).toMatchObject([{ sizeBytes: size }]);
    const statistics = await station().api.get<Statistics>(apiPath`/experiments/${scene.experiment}/stats`);
    expect(statistics).toMatchObject({ countFiles: 2, totalBytes: size + 1, maxBytes: size, minBytes: 1 });
  });
});

function touch(path: string): string {
  writeFileSync(path, '');
  return path;
}

function writeAt(path: string, position: number, text: string): void {
  const fd = openSync(path, 'r+');
  try {
    writeSync(fd, text, position);
  } finally {
    closeSync(fd);
  }
}

function readAt(path: string, position: number, length: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
  } finally {
    closeSync(fd);
  }
}
