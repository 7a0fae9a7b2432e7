import { Histogram, type Registry } from 'prom-client';

/** Metrics of metadata readers; never of a file or an experiment. */
export class ReadersMetrics {
  readonly readingSeconds: Histogram<'reader' | 'outcome'>;

  constructor(registry: Registry) {
    this.readingSeconds = new Histogram({
      name: 'dm_catalog_reading_seconds',
      help: 'Time from asking for the metadata of a file to the answer, by reader and outcome (read, complaint, unknown, error)',
      labelNames: ['reader', 'outcome'] as const,
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers: [registry],
    });
  }
}
