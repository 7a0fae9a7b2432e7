import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../../kernel/errors.js';
import type { DaqConfig } from '../../daq.config.js';
import { pluginInvalid } from '../plugin-faults.js';
import { type PluginSettings, settingsOf } from '../plugin-settings.js';
import { BeamlineStep } from './beamline-step.js';
import { BeamlineThread } from './beamline-thread.js';

/** Longest time that a module may take to load. */
const LOAD_LIMIT_MS = 30_000;

export interface LoadedStep {
  file: string;
  step: BeamlineStep;
  settings: PluginSettings;
}

/**
 * The plug-ins of the configured folder, each in its thread. One that cannot be used stops the start with its name: a
 * beamline that counts on a plug-in must not find out later that it never ran.
 *
 * @throws StationError PLUGIN_INVALID
 */
export async function loadBeamlineSteps(config: DaqConfig): Promise<LoadedStep[]> {
  if (config.pluginDirectory === undefined) {
    return [];
  }
  const files = await pluginFiles(config.pluginDirectory);
  const loads = await Promise.allSettled(files.map((file) => load(file, config)));
  const loaded = loads.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = loads.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await Promise.all(loaded.map(({ step }) => step.close()));
    throw failed.reason;
  }
  return loaded;
}

async function load(file: string, config: DaqConfig): Promise<LoadedStep> {
  const thread = new BeamlineThread(pathToFileURL(file).href, config.pluginMemoryMegabytes);
  try {
    const facts = await thread.open(LOAD_LIMIT_MS);
    const settings = settingsOf(
      {
        enabled: true,
        order: facts.order,
        timeoutSeconds: config.pluginTimeoutSeconds,
        onError: 'fail',
        concurrency: 4,
        options: {},
      },
      config.plugins[facts.name],
    );
    return { file, settings, step: new BeamlineStep(facts, settings.options, thread, Date.now) };
  } catch (error) {
    throw pluginInvalid(file, messageOf(error));
  }
}

async function pluginFiles(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => /\.m?js$/.test(name))
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    throw pluginInvalid(directory, `the folder cannot be read: ${messageOf(error)}`);
  }
}
