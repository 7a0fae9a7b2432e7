import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import type { FilePlugin } from '../pipeline/file-plugin.port.js';
import { CountedPlugin } from './counted-plugin.js';
import { PluginMetrics } from './plugin.metrics.js';
import { PluginRecord } from './plugin-record.js';

describe(CountedPlugin.name, () => {
  test('is as brief as the plug-in that it counts at each moment, so that no batch is written down twice', () => {
    let answers = true;
    const counted = around({
      get isBrief() {
        return answers;
      },
    });

    expect(counted.isBrief).toBe(true);
    answers = false;
    expect(counted.isBrief).toBe(false);
  });

  test('takes its time when the plug-in says nothing', () => {
    expect(around({}).isBrief).toBe(false);
  });

  function around(plugin: Partial<FilePlugin>): FilePlugin {
    const own = { name: 'catalog', order: 200, process: () => Promise.resolve([]) };
    Object.defineProperties(own, Object.getOwnPropertyDescriptors(plugin));
    return new CountedPlugin(own, 200, new PluginRecord('catalog', new PluginMetrics(new Registry())));
  }
});
