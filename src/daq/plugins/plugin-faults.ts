import { StationError } from '../../kernel/errors.js';

/** A module of the plug-in folder, or the folder, that cannot be used. */
export function pluginInvalid(file: string, reason: string): StationError {
  return new StationError('invalid', 'PLUGIN_INVALID', `The plug-in ${file} cannot be used: ${reason}.`);
}

/** What the configuration says of plug-ins and cannot be. */
export function pluginsMisconfigured(reason: string): StationError {
  return new StationError('invalid', 'PLUGINS_MISCONFIGURED', `daq.plugins of the configuration: ${reason}.`);
}
