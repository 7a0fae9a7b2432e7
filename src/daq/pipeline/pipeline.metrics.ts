import { Inject, Injectable } from '@nestjs/common';
import { Counter, Histogram, type Registry } from 'prom-client';
import { METRICS } from '../../platform/metrics/index.js';
import { Throughput } from './throughput.js';

/** What the pipeline counts as it works. */
@Injectable()
export class PipelineMetrics {
  /** By acquisition; of this run of the station. */
  readonly rates = new Throughput();
  private readonly files: Counter;
  private readonly bytes: Counter;
  private readonly steps: Histogram<'plugin'>;
  private readonly stopped: Counter<'state'>;

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.files = new Counter({
      name: 'dm_daq_files_done_total',
      help: 'File versions that became done since the station started',
      registers,
    });
    this.bytes = new Counter({
      name: 'dm_daq_done_bytes_total',
      help: 'Bytes of file versions that became done since the station started',
      registers,
    });
    this.steps = new Histogram({
      name: 'dm_daq_plugin_batch_seconds',
      help: 'Time that a plug-in took for a batch of files',
      labelNames: ['plugin'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600],
      registers,
    });
    this.stopped = new Counter({
      name: 'dm_daq_files_stopped_total',
      help: 'Times that a file did not pass a plug-in, by the state that it got',
      labelNames: ['state'],
      registers,
    });
  }

  done(rows: readonly { acquisitionId: string; sizeBytes: bigint }[]): void {
    for (const [id, group] of Map.groupBy(rows, (row) => row.acquisitionId)) {
      const bytes = Number(group.reduce((sum, row) => sum + row.sizeBytes, 0n));
      this.rates.note(id, group.length, bytes);
      this.bytes.inc(bytes);
    }
    this.files.inc(rows.length);
  }

  stop(state: string): void {
    this.stopped.inc({ state });
  }

  /** Starts the clock of a step; call the answer when it ends. */
  step(plugin: string): () => void {
    return this.steps.startTimer({ plugin });
  }
}
