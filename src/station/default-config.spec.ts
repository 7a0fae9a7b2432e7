import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildConfig, environmentSource, leaves, namesOf } from '../platform/config/index.js';
import { loadStationConfig, stationConfigSchema } from './station-config.js';

const root = join(import.meta.dirname, '..', '..');
const places = { dataDir: '/d', storage: { root: '/d/storage' }, daq: { sourceRoots: ['/d/incoming'] } };

describe('configuration of the station', () => {
  it('has a config/default.yaml that says what the schema does anyway', () => {
    const written = parse(readFileSync(join(root, 'config/default.yaml'), 'utf8')) as Record<string, unknown>;
    const bare = buildConfig(stationConfigSchema, [{ name: 'places', values: places }]);
    const withFile = buildConfig(stationConfigSchema, [
      { name: 'places', values: places },
      { name: 'file', values: written },
    ]);
    expect(withFile).toEqual(bare);
  });

  it('names every setting in the README', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const missing = [...leaves(stationConfigSchema, [])]
      .map(({ path }) => path)
      .filter(([section]) => section !== 'auth')
      .filter((path) => !readme.includes(`\`${path.join('.')}\``));
    expect(missing).toEqual([]);
  });

  it('takes every simple setting from the environment', () => {
    const config = buildConfig(stationConfigSchema, [
      { name: 'places', values: places },
      environmentSource(stationConfigSchema, {
        DM_HTTP_PORT: '8080',
        DM_SOURCE_ROOTS: '/a:/b c',
        DM_STORAGE_FILE_MODE: '0600',
        DM_QUIET_SECONDS: '0.5',
        DM_LOG_LEVEL: '',
      }),
    ]);
    expect(config).toMatchObject({
      http: { port: 8080 },
      daq: { sourceRoots: ['/a', '/b c'], quietSeconds: 0.5 },
      storage: { fileMode: 0o600 },
      log: { level: 'info' },
    });
    expect(namesOf(['processing', 'maxOutputBytes'])).toEqual(['DM_PROCESSING_MAX_OUTPUT_BYTES']);
  });

  it('names all mistakes at once, with the source of each', () => {
    const build = () =>
      buildConfig(stationConfigSchema, [
        { name: 'places', values: places },
        { name: 'station.yaml', values: { htp: {}, storage: { workers: 0 } } },
        environmentSource(stationConfigSchema, { DM_HTTP_PORT: 'eighty' }),
      ]);
    expect(build).toThrow(/storage\.workers: .*\(set by station\.yaml\)/);
    expect(build).toThrow(/http\.port: .*\(set by environment\)/);
    expect(build).toThrow(/htp/);
  });

  it('cannot be changed once it is built', () => {
    const config = loadStationConfig({ DM_DATA_DIR: '/d' }, root);
    expect(() => Object.assign(config.http, { port: 1 })).toThrow(TypeError);
  });
});
