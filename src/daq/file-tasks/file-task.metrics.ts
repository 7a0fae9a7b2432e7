import { Inject, Injectable } from '@nestjs/common';
import { Counter, Histogram, type Registry } from 'prom-client';
import { METRICS } from '../../platform/metrics/index.js';
import type { FileTask, FileTaskItem, FileTaskStatus, ItemOutcome } from './file-task.js';

/** What monitoring sees of file tasks: which are asked for and end, and how fast their files go. */
@Injectable()
export class FileTaskMetrics {
  private readonly steps: Counter<'kind' | 'step'>;
  private readonly fileSeconds: Histogram<'kind' | 'outcome'>;
  private readonly bytes: Counter<'kind'>;

  constructor(@Inject(METRICS) registry: Registry) {
    this.steps = new Counter({
      name: 'dm_file_task_steps_total',
      help: 'File tasks by what happened to them: previewed, running, done, undoing …',
      labelNames: ['kind', 'step'] as const,
      registers: [registry],
    });
    this.fileSeconds = new Histogram({
      name: 'dm_file_task_file_seconds',
      help: 'Time that one file of a task took, by outcome (done, restored, left-out)',
      labelNames: ['kind', 'outcome'] as const,
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60, 600],
      registers: [registry],
    });
    this.bytes = new Counter({
      name: 'dm_file_task_bytes_total',
      help: 'Bytes of the files that tasks have compressed, decompressed, deleted or brought back',
      labelNames: ['kind'] as const,
      registers: [registry],
    });
  }

  countStep({ kind }: Pick<FileTask, 'kind'>, step: FileTaskStatus): void {
    this.steps.inc({ kind, step });
  }

  observeFile({ kind }: FileTask, { document }: FileTaskItem, outcome: ItemOutcome, seconds: number): void {
    this.fileSeconds.observe({ kind, outcome: outcome.kind }, seconds);
    if (outcome.kind !== 'left-out') {
      this.bytes.inc({ kind }, document.sizeBytes);
    }
  }
}
