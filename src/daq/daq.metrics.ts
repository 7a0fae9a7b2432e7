import { Inject, Injectable } from '@nestjs/common';
import { Gauge, type Registry } from 'prom-client';
import { METRICS } from '../platform/metrics/index.js';
import { QUEUE, type WorkQueue } from '../platform/queue/index.js';
import { LedgerCounts } from './ledger/ledger-counts.js';
import type { LedgerState } from './ledger/ledger-row.js';
import { StrayClaims } from './pipeline/stray-claims.js';
import { Runners } from './runner/runners.js';

/** Ledger states that a scrape counts; rows that ended well are counted as they end. */
const OPEN_STATES: readonly LedgerState[] = [
  'settling',
  'queued',
  'transferring',
  'cataloguing',
  'deferred',
  'failed',
  'quarantined',
];

/** Metrics of the acquisition side; read from the database at each scrape, so that they are true after a restart. */
@Injectable()
export class DaqMetrics {
  constructor(
    @Inject(METRICS) registry: Registry,
    counts: LedgerCounts,
    claims: StrayClaims,
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
        const byState = await unlessAway(counts.byState());
        for (const state of OPEN_STATES) {
          this.set({ state }, byState?.get(state)?.files ?? 0);
        }
      },
    });
    new Gauge({
      name: 'dm_daq_oldest_open_file_seconds',
      help: 'Age of the oldest file version that is neither done nor given up',
      registers: [registry],
      async collect() {
        const oldest = await unlessAway(counts.oldestOpen(claims.longestHeld));
        this.set(oldest === undefined ? 0 : Math.max(0, (Date.now() - oldest.getTime()) / 1000));
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

/** A scrape must answer while the database is away; dm_database_available says so. */
async function unlessAway<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch {
    return undefined;
  }
}
