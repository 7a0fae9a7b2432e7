import type { StationConfig } from '../../platform/config/index.js';
import type { Database } from '../../platform/database/index.js';
import type { PluginSettings } from './plugin-settings.js';
import type { PluginStep } from './plugin-step.js';

/** A plug-in that comes with the station and is off until the configuration names it. */
export interface ShippedStep {
  readonly name: string;
  readonly defaults: Omit<PluginSettings, 'enabled'>;
  /** @throws StationError PLUGIN_OPTIONS_INVALID, PLUGINS_MISCONFIGURED */
  make(settings: PluginSettings, parts: StepParts): PluginStep | Promise<PluginStep>;
}

export interface StepParts {
  config: StationConfig;
  database: Database;
}
