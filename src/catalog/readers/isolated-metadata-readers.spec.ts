import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realFiles } from '../../../test/support/real-files.js';
import { type ReaderDefinition, withBuiltIns } from './definitions/reader-definition.js';
import { IsolatedMetadataReaders } from './isolated-metadata-readers.js';
import { ReaderProcess } from './process/reader-process.js';

let directory: string;
let stored: ReaderDefinition[] = [];
const process = new ReaderProcess({ idleMs: 60_000, heapMegabytes: 256 });
const readers = new IsolatedMetadataReaders(() => Promise.resolve(withBuiltIns(stored)), process);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'dm-readers-'));
});
afterAll(() => {
  readers.close();
  rmSync(directory, { recursive: true });
});

function file(name: string | Buffer, content: string | Buffer = '{"energy": 12.4}'): Buffer {
  const path = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name)]);
  writeFileSync(path, content);
  return path;
}

/** A custom reader that runs this shell script on files with these names. */
function custom(script: string, settings: Partial<ReaderDefinition> = {}): ReaderDefinition {
  const path = join(directory, `script-${Math.random().toString(36).slice(2)}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return {
    name: 'own',
    isBuiltIn: false,
    isEnabled: true,
    order: 100,
    formats: [],
    files: ['*.own'],
    command: [path],
    environment: {},
    timeoutSeconds: 5,
    memoryMegabytes: 512,
    updatedAt: '2026-11-26T08:00:00.000Z',
    updatedBy: 'manager',
    ...settings,
  };
}

describe(IsolatedMetadataReaders, () => {
  it('reads all real files, many at a time', async () => {
    stored = [];
    const files = [...realFiles()];
    const found = await Promise.all(files.map(([name, path]) => readers.read(path, `data/${name}`)));
    found.forEach(({ format, reader, raw, complaint }, index) => {
      const name = files[index]?.[0] ?? '';
      expect([name, reader, raw === null]).toEqual([name, format, false]);
      expect([name, complaint === null]).toEqual([name, name !== 'test_3_error.spec']);
    });
  }, 60_000);

  it('reads a file whose name is no UTF-8', async () => {
    const path = file(Buffer.from([0xff, 0xfe, 0x2e, 0x6a]));
    expect(await readers.read(path, '\\xff\\xfe.j')).toEqual({
      format: 'json',
      reader: 'json',
      raw: { energy: 12.4 },
      complaint: null,
    });
  });

  it('has nothing to say of an unknown file', async () => {
    const path = file('unknown.bin', Buffer.from([1, 2, 3]));
    expect(await readers.read(path, 'unknown.bin')).toEqual({ format: null, reader: null, raw: null, complaint: null });
  });

  it.each([
    ['a FIFO', (path: string) => execFileSync('mkfifo', [path]), /no regular file/],
    ['a link', (path: string) => symlinkSync('/etc/passwd', path), /links are not followed/],
    ['a directory', (path: string) => execFileSync('mkdir', [path]), /no regular file/],
    ['nothing', () => undefined, /not there any more/],
  ])('opens no other thing than a file: %s', async (what, make, complaint) => {
    const path = join(directory, `special-${what.replace(' ', '-')}`);
    make(path);
    const found = await readers.read(path, 'x.h5');
    expect(found).toMatchObject({ format: null, raw: null, complaint: expect.stringMatching(complaint) });
  });

  it('asks readers in their order, by format or by name', async () => {
    const path = file('scan_1.own');
    stored = [custom('echo "by: name"')];
    expect(await readers.read(path, 'data/scan_1.own')).toEqual({
      format: 'own',
      reader: 'own',
      raw: { by: 'name' },
      complaint: null,
    });
    expect(await readers.read(path, 'data/scan_1.other')).toMatchObject({ reader: 'json' });
    stored = [custom('echo "by: format"', { files: [], formats: ['json'] })];
    expect(await readers.read(path, 'data/scan_1.other')).toMatchObject({ reader: 'own', raw: { by: 'format' } });
    stored = [custom('echo "by: name"', { order: 900 })];
    expect(await readers.read(path, 'data/scan_1.own')).toMatchObject({ reader: 'json' });
    stored = [custom('echo "by: name"', { isEnabled: false })];
    expect(await readers.read(path, 'data/scan_1.own')).toMatchObject({ reader: 'json' });
    stored = [custom('echo "by: path"', { files: ['data/*/scan_?.own'] })];
    expect(await readers.read(path, 'data/a/scan_1.own')).toMatchObject({ reader: 'own' });
    expect(await readers.read(path, 'analysis/a/scan_1.own')).toMatchObject({ reader: 'json' });
  });

  it('passes a switched-off built-in reader by', async () => {
    stored = withBuiltIns([]).map((reader) => ({ ...reader, isEnabled: reader.name !== 'json' }));
    expect(await readers.read(file('a.json'), 'a.json')).toEqual({
      format: null,
      reader: null,
      raw: null,
      complaint: null,
    });
  });

  it.each([
    ['fails', 'echo "no header" >&2; exit 3', 'Its reader own did not succeed: it ended with exit code 3: no header.'],
    ['hangs', 'sleep 30', 'Its reader own did not succeed: it took longer than the limit of 1 s.'],
    ['prints nonsense', 'echo "{"', /output cannot be used/],
    ['prints other lines', 'echo "a: 1"; echo nothing', '1 lines of its reader\'s output were no "key: value".'],
  ])('a custom reader that %s is a complaint', async (_what, script, complaint) => {
    stored = [custom(script, { timeoutSeconds: 1 })];
    const found = await readers.read(file('b.own'), 'b.own');
    expect([found.format, found.reader]).toEqual(['own', 'own']);
    expect(found.complaint).toEqual(typeof complaint === 'string' ? complaint : expect.stringMatching(complaint));
  });

  it('gives up when the caller does', async () => {
    stored = [custom('sleep 30')];
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('given up')), 200);
    await expect(readers.read(file('c.own'), 'c.own', abort.signal)).rejects.toThrow('given up');
    await expect(readers.read(file('c.own'), 'c.own', abort.signal)).rejects.toThrow('given up');
  });

  it('blames no file for the end of the station', async () => {
    stored = [custom('sleep 30')];
    const own = new ReaderProcess({ idleMs: 60_000, heapMegabytes: 64 });
    const stopped = new IsolatedMetadataReaders(() => Promise.resolve(stored), own);
    const reading = stopped.read(file('f.own'), 'f.own');
    setTimeout(() => stopped.close(), 500);
    await expect(reading).rejects.toMatchObject({ code: 'READERS_UNAVAILABLE' });
  });

  it('passes on that the definitions cannot be had', async () => {
    const without = new IsolatedMetadataReaders(() => Promise.reject(new Error('no database')), process);
    await expect(without.read(file('d.json'), 'd.json')).rejects.toThrow('no database');
  });

  it('holds a built-in reader to its own limits', async () => {
    stored = withBuiltIns([]).map((reader) => ({ ...reader, timeoutSeconds: 1 }));
    const long = file('long.spec', Buffer.concat([Buffer.from('#S 1 ascan\n'), Buffer.alloc(16 * 1_048_576, '\n')]));
    const [slow, next] = await Promise.all([readers.read(long, 'long.spec'), readers.read(file('e.json'), 'e.json')]);
    expect(slow).toEqual({
      format: 'spec',
      reader: 'spec',
      raw: null,
      complaint: 'Reading it took longer than the limit of 1 s; its reader was ended.',
    });
    expect(next).toMatchObject({ format: 'json', complaint: null });
  });
});
