import { Inject, Injectable } from '@nestjs/common';
import { Counter, Histogram, type Registry } from 'prom-client';
import { METRICS } from '../platform/metrics/index.js';
import type { TransferOutcome } from './transfer-engine.port.js';

/** What transfer engines count. */
@Injectable()
export class TransferMetrics {
  private readonly files: Counter<'engine' | 'outcome'>;
  private readonly bytes: Counter<'engine'>;
  private readonly seconds: Histogram<'engine' | 'end'>;

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.files = new Counter({
      name: 'dm_storage_transfer_files_total',
      help: 'Files that an engine was asked to bring, by what became of them',
      labelNames: ['engine', 'outcome'],
      registers,
    });
    this.bytes = new Counter({
      name: 'dm_storage_transfer_bytes_total',
      help: 'Bytes of files that an engine has published',
      labelNames: ['engine'],
      registers,
    });
    this.seconds = new Histogram({
      name: 'dm_storage_transfer_batch_seconds',
      help: 'Time that an engine took for a batch, by whether it answered or the whole call broke off',
      labelNames: ['engine', 'end'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600, 3600],
      registers,
    });
  }

  /** Starts the clock of a batch; call the answer when it ends. */
  start(engine: string): (end: 'answered' | 'broke-off') => void {
    const stop = this.seconds.startTimer({ engine });
    return (end) => stop({ end });
  }

  count(engine: string, outcomes: readonly TransferOutcome[]): void {
    for (const [outcome, group] of Map.groupBy(outcomes, ({ status }) => status)) {
      this.files.inc({ engine, outcome }, group.length);
    }
    const published = outcomes.filter((outcome) => outcome.status === 'published');
    this.bytes.inc({ engine }, Number(published.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n)));
  }
}
