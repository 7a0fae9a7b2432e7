import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CatalogApp } from './catalog.app.js';

let app: CatalogApp;
let folder: string;
let script: string;
let storage: string;

beforeAll(async () => {
  app = await CatalogApp.start();
  await app.user('member');
  folder = await mkdtemp(join(tmpdir(), 'dm-metadata-readers-'));
  script = join(folder, 'read-header');
  await writeFile(script, '#!/bin/sh\nprintf "first: %s\\ndetector: %s\\n" "$1" "$DETECTOR"\n');
  await chmod(script, 0o755);
  const { body } = await app.ok('admin', 'POST', '/experiments', { name: 'run-1' });
  storage = body.storageDirectory as string;
  await app.ok('admin', 'PUT', '/experiments/run-1/members/member', { role: 'PI' });
}, 120_000);
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});
afterEach(async () => {
  for (const name of ['own', 'json']) {
    await app.request('admin', 'DELETE', `/metadata-readers/${name}`);
  }
});

/** A file of the experiment, on the disk and in the catalog. */
async function stored(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(storage, path)), { recursive: true });
  await writeFile(join(storage, path), content);
  await app.ok('member', 'POST', '/experiments/run-1/files', { path, sizeBytes: content.length });
}

const names = async () =>
  ((await app.ok('admin', 'GET', '/metadata-readers')).body.items as { name: string }[]).map(({ name }) => name);

describe('metadata readers, over HTTP', () => {
  it('are defined, shown in their order, changed and removed', async () => {
    expect(await names()).toEqual(['cbf', 'edf', 'hdf5', 'json', 'mda', 'spec', 'tiff', 'yaml']);
    const { body: made } = await app.ok('admin', 'PUT', '/metadata-readers/own', {
      command: [script],
      files: ['*.own'],
    });
    expect(made).toEqual({
      name: 'own',
      isBuiltIn: false,
      isEnabled: true,
      order: 100,
      formats: [],
      files: ['*.own'],
      command: [script],
      environment: {},
      timeoutSeconds: 60,
      memoryMegabytes: 4096,
      updatedAt: expect.any(String),
      updatedBy: 'admin',
    });
    expect((await names())[0]).toBe('own');
    const changed = { command: [script, '-v'], formats: ['hdf5'], order: 900, environment: { DETECTOR: 'eiger' } };
    await app.ok('admin', 'PUT', '/metadata-readers/own', changed);
    const { body } = await app.ok('admin', 'GET', '/metadata-readers/own');
    expect(body).toMatchObject({ ...changed, files: [] });
    expect((await names()).at(-1)).toBe('own');
    expect((await app.request('admin', 'DELETE', '/metadata-readers/own')).status).toBe(204);
    for (const method of ['GET', 'DELETE']) {
      const gone = await app.request('admin', method, '/metadata-readers/own');
      expect([gone.status, gone.body.code]).toEqual([404, 'READER_NOT_FOUND']);
    }
  });

  it('built-in ones are switched off and limited, and get their defaults back', async () => {
    await app.ok('admin', 'PUT', '/metadata-readers/json', { isEnabled: false, timeoutSeconds: 3 });
    const { body } = await app.ok('admin', 'GET', '/metadata-readers/json');
    expect(body).toMatchObject({
      isBuiltIn: true,
      isEnabled: false,
      timeoutSeconds: 3,
      formats: ['json'],
      command: null,
    });
    await stored('data/off.json', '{"a": 1}');
    const trial = { experiment: 'run-1', path: 'data/off.json' };
    expect((await app.ok('admin', 'POST', '/metadata-readers/trial', trial)).body).toMatchObject({ reader: null });
    const named = await app.ok('admin', 'POST', '/metadata-readers/trial', { ...trial, reader: 'json' });
    expect(named.body).toMatchObject({ reader: 'json', raw: { a: 1 } });
    await app.ok('admin', 'DELETE', '/metadata-readers/json');
    expect((await app.ok('admin', 'GET', '/metadata-readers/json')).body).toMatchObject({ isEnabled: true });
  });

  it.each([
    ['own', { files: ['*'] }, /command/],
    ['own', { command: ['/bin/true'] }, /formats, files/],
    ['own', { command: ['read-header'], files: ['*'] }, /no absolute path/],
    ['own', { command: ['/nowhere/read-header'], files: ['*'] }, /no file at \/nowhere/],
    ['own', { command: ['/etc/passwd'], files: ['*'] }, /may execute/],
    ['own', { command: ['/tmp'], files: ['*'] }, /no file at \/tmp/],
    ['json', { command: ['/bin/true'] }, /built-in/],
    ['json', { memoryMegabytes: 100 }, /256/],
  ])('refuses %s as %j', async (name, body, reason) => {
    const answer = await app.request('admin', 'PUT', `/metadata-readers/${name}`, body);
    expect([answer.status, answer.body.code]).toEqual([422, 'READER_INVALID']);
    expect(answer.body.detail).toMatch(reason);
  });

  it.each([
    ['Bad Name', {}],
    ['own', { command: ['/bin/true'], formats: ['word'] }],
    ['own', { command: ['/bin/true'], files: ['a\0b'] }],
    ['own', { command: ['/bin/true'], files: ['*'], environment: { 'A=B': 'x' } }],
    ['own', { command: ['/bin/true'], files: ['*'], timeoutSeconds: 0 }],
  ])('refuses malformed %s %j', async (name, body) => {
    const answer = await app.request('admin', 'PUT', `/metadata-readers/${encodeURIComponent(name)}`, body);
    expect(answer.status).toBe(422);
  });

  it('are the business of the station manager', async () => {
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['GET', '/json', undefined],
      ['PUT', '/own', { command: [script], files: ['*'] }],
      ['DELETE', '/json', undefined],
      ['POST', '/trial', { experiment: 'run-1', path: 'data/a' }],
    ] as const) {
      const answer = await app.request('member', method, `/metadata-readers${path}`, body);
      expect([method, answer.status, answer.body.code]).toEqual([method, 403, 'FORBIDDEN']);
    }
  });

  it('are tried on a file of an experiment, and nothing is recorded', async () => {
    await stored('data/try.own', 'content');
    const reader = { command: [script], files: ['*.else'], environment: { DETECTOR: 'pilatus' } };
    await app.ok('admin', 'PUT', '/metadata-readers/own', reader);
    const trial = { experiment: 'run-1', path: 'data/try.own' };
    const { body } = await app.ok('admin', 'POST', '/metadata-readers/trial', { ...trial, reader: 'own' });
    expect(body).toEqual({
      format: 'own',
      reader: 'own',
      raw: { first: join(storage, 'data/try.own'), detector: 'pilatus' },
      complaint: null,
    });
    expect((await app.ok('admin', 'POST', '/metadata-readers/trial', trial)).body.reader).toBeNull();
    const file = await app.ok('member', 'GET', '/experiments/run-1/files/by-path?path=data%2Ftry.own');
    expect(file.body).toMatchObject({ metadata: {}, revision: 1 });
  });

  it('are tried on no file outside the experiment', async () => {
    await mkdir(join(storage, 'data'), { recursive: true });
    await symlink(folder, join(storage, 'data', 'way-out'));
    await app.ok('member', 'POST', '/experiments/run-1/files', { path: 'data/way-out/read-header', sizeBytes: 1 });
    await app.ok('member', 'POST', '/experiments/run-1/files', { path: 'data/gone/x.h5', sizeBytes: 1 });
    for (const path of ['data/way-out/read-header', 'data/gone/x.h5']) {
      const answer = await app.request('admin', 'POST', '/metadata-readers/trial', { experiment: 'run-1', path });
      expect([answer.status, answer.body.code]).toEqual([404, 'READER_FILE_NOT_HERE']);
    }
    const unknown = { experiment: 'run-1', path: 'data/try.own', reader: 'nobody' };
    const answer = await app.request('admin', 'POST', '/metadata-readers/trial', unknown);
    expect([answer.status, answer.body.code]).toEqual([404, 'READER_NOT_FOUND']);
  });

  it('stand in the OpenAPI document with examples', () => {
    const { paths } = app.openApi();
    expect(Object.keys(paths['/api/v1/metadata-readers/{name}'] ?? {}).sort()).toEqual(['delete', 'get', 'put']);
    expect(JSON.stringify(paths['/api/v1/metadata-readers/trial'])).toContain('read-sps-header');
  });
});
