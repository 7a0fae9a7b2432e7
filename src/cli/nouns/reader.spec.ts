import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedCli } from '../../../test/support/scripted-cli.js';
import { page } from '../../../test/support/scripted-station.js';
import { EXIT } from '../exit-codes.js';

const own = {
  name: 'own',
  isBuiltIn: false,
  isEnabled: true,
  order: 100,
  formats: ['hdf5'],
  files: ['data/*.own'],
  command: ['/usr/local/bin/read-header', '{file}'],
  environment: { DETECTOR: 'eiger' },
  timeoutSeconds: 10,
  memoryMegabytes: 512,
  updatedAt: '2026-11-26T08:00:00.000Z',
  updatedBy: 'manager',
};
const json = { ...own, name: 'json', isBuiltIn: true, order: 500, formats: ['json'], files: [], command: null };

describe('dm reader', () => {
  let cli: ScriptedCli;

  beforeEach(async () => {
    cli = await ScriptedCli.start();
  });
  afterEach(() => cli.stop());

  it('lists readers with what they read', async () => {
    cli.station.on('GET /api/v1/metadata-readers', page(own, { ...json, isEnabled: false }));
    const { exitCode, stdout } = await cli.run(['reader', 'list']);
    expect(exitCode).toBe(EXIT.ok);
    const lines = stdout.split('\n');
    expect(lines.find((line) => line.includes('own (own)'))).toMatch(/100.*on.*hdf5, data\/\*\.own.*read-header.*10 s/);
    expect(lines.find((line) => / json /.test(line))).toMatch(/500.*off/);
  });

  it('shows one with its settings', async () => {
    cli.station.on('GET /api/v1/metadata-readers/own', { body: own });
    const { stdout } = await cli.run(['reader', 'show', 'own']);
    expect(stdout).toMatch(/DETECTOR:eiger[\s\S]*10 s, 512 MB[\s\S]*by manager/);
  });

  it('changes what is named and keeps the rest', async () => {
    cli.station.on('GET /api/v1/metadata-readers', page(own, json));
    cli.station.on('PUT /api/v1/metadata-readers/own', { body: own });
    await cli.run(['reader', 'set', 'own', '--timeout', '30s', '--files', '*.a', '--files', '*.b', '--off']);
    expect(cli.station.requests.at(-1)?.body).toEqual({
      isEnabled: false,
      order: 100,
      formats: ['hdf5'],
      files: ['*.a', '*.b'],
      command: ['/usr/local/bin/read-header', '{file}'],
      environment: { DETECTOR: 'eiger' },
      timeoutSeconds: 30,
      memoryMegabytes: 512,
    });
  });

  it('defines a new one, with defaults for what is not said', async () => {
    cli.station.on('GET /api/v1/metadata-readers', page(json));
    cli.station.on('PUT /api/v1/metadata-readers/own', { body: own });
    const command = ['--command', '/usr/local/bin/read-header', '--argument=-v', '--argument', '{file}'];
    await cli.run(['reader', 'set', 'own', ...command, '--format', 'hdf5', '--env', 'DETECTOR:eiger']);
    expect(cli.station.requests.at(-1)?.body).toEqual({
      formats: ['hdf5'],
      command: ['/usr/local/bin/read-header', '-v', '{file}'],
      environment: { DETECTOR: 'eiger' },
    });
  });

  it('removes one after asking', async () => {
    cli.station.on('DELETE /api/v1/metadata-readers/own', { status: 204 });
    expect((await cli.run(['reader', 'remove', 'own', '--yes'])).stdout).toContain('Removed own.');
  });

  it.each([
    ['auto', undefined],
    ['own', 'own'],
  ])('tries %s on a file', async (name, reader) => {
    const answer = { format: 'own', reader: 'own', raw: { energy: 12.4 }, complaint: 'It is short.' };
    cli.station.on('POST /api/v1/metadata-readers/trial', { body: answer });
    const { stdout } = await cli.run(['reader', 'try', name, 'data/a.own', '-e', 'run-1']);
    expect(cli.station.requests.at(-1)?.body).toEqual({ experiment: 'run-1', path: 'data/a.own', reader });
    expect(stdout).toMatch(/complaint +It is short\.[\s\S]*"energy": 12\.4/);
  });

  it.each([[['--on', '--off']], [['--argument', 'x']]])('refuses %j', async (options) => {
    expect((await cli.run(['reader', 'set', 'own', ...options])).exitCode).toBe(EXIT.usage);
  });
});
