import { Inject, Injectable } from '@nestjs/common';
import { Gauge, type Registry } from 'prom-client';
import { Database } from '../platform/database/index.js';
import { METRICS } from '../platform/metrics/index.js';
import { QUEUE, type WorkQueue } from '../platform/queue/index.js';
import { Runners } from './runner/runners.js';

/** Ledger states that a scrape counts; rows that ended well are counted as they end. */
const OPEN_STATES = ['settling', 'queued', 'transferring', 'cataloguing', 'deferred', 'failed', 'quarantined'];

/** Metrics of the acquisition side; read from the database at each scrape, so that they are true after a restart. */
@Injectable()
export class DaqMetrics {
  constructor(
    @Inject(METRICS) registry: Registry,
    database: Database,
    runners: Runners,
    @Inject(QUEUE) queue: WorkQueue,
  ) {
    new Gauge({
      name: 'dm_daq_active_acquisitions',
      help: 'Acquisitions that are not over',
      registers: [registry],
      collect() {
        this.set(runners.count);
      },
    });
    new Gauge({
      name: 'dm_daq_ledger_files',
      help: 'File versions by ledger state, apart from those that ended well',
      labelNames: ['state'] as const,
      registers: [registry],
      async collect() {
        const rows = await openRows(database);
        for (const state of OPEN_STATES) {
          this.set({ state }, Number(rows.find((row) => row.state === state)?.files ?? 0));
        }
      },
    });
    new Gauge({
      name: 'dm_daq_oldest_open_file_seconds',
      help: 'Age of the oldest file version that is neither done nor given up',
      registers: [registry],
      async collect() {
        const rows = await openRows(database);
        this.set(Math.max(0, ...rows.filter((row) => row.state !== 'quarantined').map((row) => Number(row.oldest))));
      },
    });
    new Gauge({
      name: 'dm_queue_available',
      help: 'Whether the queue server answers (1) or the ledger feeds the workers (0)',
      registers: [registry],
      collect() {
        this.set(queue.isAvailable() ? 1 : 0);
      },
    });
  }
}

async function openRows(database: Database): Promise<{ state: string; files: string; oldest: string }[]> {
  try {
    return await database.query(
      `SELECT state, count(*) AS files, extract(epoch FROM now() - min(seen_at)) AS oldest FROM ledger
       WHERE state NOT IN ('done', 'skipped', 'cancelled') GROUP BY state`,
    );
  } catch {
    return []; // a scrape must answer while the database is away; dm_database_available says so
  }
}
