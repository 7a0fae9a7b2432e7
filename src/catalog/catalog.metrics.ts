import { Counter, Histogram, type Registry } from 'prom-client';

/** Metrics of the catalog; operations are the methods of the port, never an experiment or a file. */
export class CatalogMetrics {
  readonly operationSeconds: Histogram<'operation' | 'outcome'>;
  readonly writtenFiles: Counter<'result'>;

  constructor(registry: Registry) {
    this.operationSeconds = new Histogram({
      name: 'dm_catalog_operation_seconds',
      help: 'Time that an operation of the file catalog takes, by outcome (ok, or the kind of error)',
      labelNames: ['operation', 'outcome'] as const,
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers: [registry],
    });
    this.writtenFiles = new Counter({
      name: 'dm_catalog_written_files_total',
      help: 'File versions told to the catalog, by what became of them',
      labelNames: ['result'] as const,
      registers: [registry],
    });
  }
}
