import { Inject, Injectable } from '@nestjs/common';
import { Counter, type Registry } from 'prom-client';
import { METRICS } from '../../platform/metrics/index.js';

export type PluginResult = 'passed' | 'warned' | 'failed' | 'waited';

/** What plug-ins did, for Prometheus; the time that batches take in them is `dm_daq_plugin_batch_seconds`. */
@Injectable()
export class PluginMetrics {
  private readonly calls: Counter<'plugin'>;
  private readonly files: Counter<'plugin' | 'result'>;

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.calls = new Counter({
      name: 'dm_daq_plugin_calls_total',
      help: 'Calls of plug-ins',
      labelNames: ['plugin'],
      registers,
    });
    this.files = new Counter({
      name: 'dm_daq_plugin_files_total',
      help: 'Files that plug-ins were given, by what became of them: passed, warned, failed (each try), waited',
      labelNames: ['plugin', 'result'],
      registers,
    });
  }

  call(plugin: string): void {
    this.calls.inc({ plugin });
  }

  file(plugin: string, result: PluginResult): void {
    this.files.inc({ plugin, result });
  }
}
