import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { messageOf, StationError } from '../../kernel/errors.js';
import type { DaqConfig } from '../daq.config.js';
import { type BeamlinePlugin, BeamlinePluginAdapter } from './beamline-plugin.js';
import type { FilePlugin } from './file-plugin.port.js';

const pluginShape = z.object({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'a name is 1-64 lower-case letters, digits and dashes'),
  order: z.int().min(101, 'plug-ins run after the transfer (100)').max(100_000),
  process: z.custom<BeamlinePlugin['process']>((value) => typeof value === 'function', 'process must be a function'),
});

/**
 * The shipped plug-ins and those of the configured folder. One that cannot be used stops the start with its name: a
 * beamline that counts on a plug-in must not find out later that it never ran.
 *
 * @throws StationError PLUGIN_INVALID
 */
export async function withBeamlinePlugins(shipped: readonly FilePlugin[], config: DaqConfig): Promise<FilePlugin[]> {
  if (config.pluginDirectory === undefined) {
    return [...shipped];
  }
  const plugins = [...shipped];
  for (const file of await pluginFiles(config.pluginDirectory)) {
    const plugin = new BeamlinePluginAdapter(await load(file), config.pluginTimeoutSeconds, config.maxAttempts);
    const twin = plugins.find((other) => other.name === plugin.name || other.order === plugin.order);
    if (twin !== undefined) {
      throw invalid(file, `name and order must be its own; ${twin.name} has order ${twin.order} already`);
    }
    plugins.push(plugin);
  }
  return plugins;
}

async function pluginFiles(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => /\.m?js$/.test(name))
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    throw invalid(directory, `the folder cannot be read: ${messageOf(error)}`);
  }
}

async function load(file: string): Promise<BeamlinePlugin> {
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    throw invalid(file, messageOf(error));
  }
  const parsed = pluginShape.safeParse(module.default);
  if (!parsed.success) {
    throw invalid(
      file,
      `its default export must be { name, order, process }: ${parsed.error.issues.map((issue) => issue.message).join('; ')}`,
    );
  }
  return module.default as BeamlinePlugin;
}

function invalid(file: string, reason: string): StationError {
  return new StationError('invalid', 'PLUGIN_INVALID', `The plug-in ${file} cannot be used: ${reason}.`);
}
