import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aPipelineFile } from '../../../../test/support/pipeline-file.js';
import { METADATA_READER, MetadataReader } from './metadata-reader.js';

const here = () => new AbortController().signal;

describe(MetadataReader.name, () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'dm-reader-spec-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** An executable with this body; `$1` is the file. */
  function script(body: string): string {
    const path = join(folder, `reader-${Math.random().toString(36).slice(2)}`);
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  function aReader(body: string, options: Record<string, unknown> = {}, reader: Record<string, unknown> = {}) {
    const readers = [{ files: ['*'], command: [script(body)], ...reader }];
    const settings = { enabled: true, order: 220, timeoutSeconds: 5, onError: 'warn', concurrency: 1 } as const;
    return METADATA_READER.make(
      { ...settings, options: { readers, ...options } },
      undefined as never,
    ) as MetadataReader;
  }

  /** A file in storage with this name and content. */
  function stored(name: string | Buffer, content = 'x') {
    const file = aPipelineFile(name, { directory: folder });
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]), content);
    return file;
  }

  it.each([
    ['plain.h5'],
    [`a 'b' "c" $(touch pwned) \`id\`; rm -rf x & | > y *.h5`],
    ['two\nlines.h5'],
    ['-rf'],
    ['größe 😀.h5'],
  ])('hands over %j as one argument, untouched by a shell', async (name) => {
    const reader = aReader(`printf 'count: %s\\ncontent: %s\\n' "$#" "$(cat "$1")"`);
    expect(await reader.process([stored(name, 'the content')], here())).toEqual([
      { kind: 'passed', metadata: { count: 1, content: 'the content' } },
    ]);
    expect(existsSync('/pwned')).toBe(false);
  });

  it('reads a file whose name is no UTF-8, and leaves nothing behind', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('dm-reader-')).length;
    const reader = aReader(`printf 'content: %s\\nname: %s\\n' "$(cat "$1")" "\${1##*/}"`);
    const file = stored(Buffer.from([0xff, 0xfe, 0x2e, 0x74, 0x69, 0x66]), 'raw');
    expect(await reader.process([file], here())).toEqual([
      { kind: 'passed', metadata: { content: 'raw', name: 'file.tif' } },
    ]);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('dm-reader-')).length).toBe(before);
  });

  it('puts the path where {file} stands, and prefixes the keys', async () => {
    const reader = aReader(
      '',
      { keyPrefix: 'header.' },
      { command: ['/bin/sh', '-c', 'echo "base: ${0##*/}"', '{file}'] },
    );
    expect(await reader.process([stored('x.h5')], here())).toEqual([
      { kind: 'passed', metadata: { 'header.base': 'x.h5' } },
    ]);
  });

  it('runs only for files that one of its patterns fits', () => {
    const reader = aReader('', {}, { files: ['data/*.h5'] });
    expect(reader.appliesTo(aPipelineFile('data/scan/a.h5'))).toBe(true);
    expect(reader.appliesTo(aPipelineFile('analysis/a.h5'))).toBe(false);
  });

  it('has an environment of its own', async () => {
    const reader = aReader(
      'env | cut -d= -f1 | grep -v "^\\(PWD\\|SHLVL\\|_\\)$" | sort | tr "\\n" , | sed "s/^/names: /"',
      {},
      {
        environment: { DETECTOR: 'pilatus' },
      },
    );
    expect(await reader.process([stored('e.h5')], here())).toMatchObject([
      { kind: 'passed', metadata: { names: 'DETECTOR,LANG,PATH,' } },
    ]);
  });

  it.each([
    ['exit 3 with words', 'echo "no such header" >&2; exit 3', 'READER_FAILED', 'exit code 3: no such header'],
    ['exit 3 in silence', 'exit 3', 'READER_FAILED', 'exit code 3 and said nothing'],
    ['a signal', 'kill -SEGV $$', 'READER_FAILED', 'SIGSEGV'],
    ['broken JSON', 'echo "{\\"a\\": "', 'READER_OUTPUT_INVALID', 'is none'],
    ['endless output', 'yes "key: value"', 'READER_OUTPUT_TOO_LARGE', 'more than 1048576 bytes'],
    ['too much memory', 'exec node -e "Buffer.alloc(512e6, 1)"', 'READER_FAILED', 'ended with'],
  ])('makes %s a complaint and a field', async (_what, body, code, words) => {
    const reader = aReader(body.replace('exec node', `exec ${process.execPath}`), { memoryMegabytes: 256 });
    const [verdict] = await reader.process([stored('bad.h5')], here());
    expect(verdict).toMatchObject({ kind: 'fault', code, message: expect.stringContaining(words) });
    expect(verdict).toHaveProperty('metadata.metadataReaderError', expect.stringContaining(words));
  });

  it('ends a reader whose time is over, with all that it started', async () => {
    const marker = join(folder, 'still alive');
    const reader = aReader(`(sleep 2; touch "${marker}") & sleep 60`);
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('no answer within 1 s')), 200);
    expect(await reader.process([stored('slow.h5')], abort.signal)).toMatchObject([
      { kind: 'fault', code: 'READER_TIMEOUT', message: expect.stringContaining('no answer within 1 s') },
    ]);
    await new Promise((resolve) => setTimeout(resolve, 2200));
    expect(existsSync(marker)).toBe(false);
  });

  it('does not wait for a child that keeps the pipes open', async () => {
    const reader = aReader('echo "a: 1"; sleep 30 & exit 0');
    const from = performance.now();
    expect(await reader.process([stored('bg.h5')], here())).toMatchObject([{ kind: 'passed', metadata: { a: 1 } }]);
    expect(performance.now() - from).toBeLessThan(5000);
  });

  it('a command that is not there is a complaint, too', async () => {
    const reader = aReader('', {}, { command: ['/nowhere/read-header'] });
    expect(await reader.process([stored('x.h5')], here())).toMatchObject([{ kind: 'fault', code: 'READER_FAILED' }]);
  });

  it.each([
    [{ readers: [] }, 'name at least one reader'],
    [{ readers: [{ files: ['*'], command: ['read-header'] }] }, 'absolute path'],
    [{ reader: 1 }, 'options'],
  ])('refuses the options %j', (options, reason) => {
    expect(() =>
      METADATA_READER.make(
        { enabled: true, order: 220, timeoutSeconds: 5, onError: 'warn', concurrency: 1, options },
        undefined as never,
      ),
    ).toThrow(reason);
  });
});
