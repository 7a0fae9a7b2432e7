export { CONFIG, type StationConfig } from './station-config.js';
export { absolutePath, platformSections, type PlatformConfig } from './platform-sections.js';
export { buildConfig, environmentSource, yamlSource, type ConfigSource } from './load-config.js';
export { leaves, namesOf } from './environment.js';
