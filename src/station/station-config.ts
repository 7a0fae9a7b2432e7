import { join, resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { authConfigSchema } from '../auth/index.js';
import { catalogConfigSchema } from '../catalog/index.js';
import { daqConfigSchema } from '../daq/index.js';
import { experimentsConfigSchema } from '../experiments/index.js';
import {
  buildConfig,
  type ConfigSource,
  environmentSource,
  platformSections,
  type StationConfig,
  yamlSource,
} from '../platform/config/index.js';
import { processingConfigSchema } from '../processing/index.js';
import { storageConfigSchema } from '../storage/index.js';

/** The whole configuration: the platform's sections and those that the modules own. */
export const stationConfigSchema = z.strictObject({
  ...platformSections,
  auth: authConfigSchema,
  experiments: experimentsConfigSchema,
  storage: storageConfigSchema,
  catalog: catalogConfigSchema,
  daq: daqConfigSchema,
  processing: processingConfigSchema,
});

type Environment = Record<string, string | undefined>;

/**
 * `config/default.yaml`, then the station's overlay (`DM_CONFIG`, else `<dataDir>/station.yaml` if there), then the
 * environment.
 *
 * @throws StationError CONFIG_INVALID, CONFIG_UNREADABLE
 */
export function loadStationConfig(environment: Environment, workingDirectory: string): StationConfig {
  const dataDir = resolve(workingDirectory, environment['DM_DATA_DIR'] ?? '.dm');
  const sources: ConfigSource[] = [
    { name: 'defaults', values: placesBelow(dataDir) },
    yamlSource(defaultsFile(), { optional: false }),
    overlayOf(environment, workingDirectory, dataDir),
    environmentSource(stationConfigSchema, { ...environment, DM_DATA_DIR: dataDir }),
  ];
  return buildConfig(stationConfigSchema, sources);
}

/** Defaults that follow from where the data directory is. */
function placesBelow(dataDir: string): Record<string, unknown> {
  return {
    dataDir,
    storage: { root: join(dataDir, 'storage') },
    daq: { sourceRoots: [join(dataDir, 'incoming')] },
  };
}

function overlayOf(environment: Environment, workingDirectory: string, dataDir: string): ConfigSource {
  const named = environment['DM_CONFIG'];
  return named === undefined || named === ''
    ? yamlSource(join(dataDir, 'station.yaml'), { optional: true })
    : yamlSource(resolve(workingDirectory, named), { optional: false });
}

/** Beside `src` in a checkout, two levels above this file's folder in the built package. */
function defaultsFile(): string {
  const candidates = ['../..', '../../..'].map((up) => join(import.meta.dirname, up, 'config', 'default.yaml'));
  return candidates.find(existsSync) ?? candidates[0] ?? '';
}
