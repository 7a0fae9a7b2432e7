import { Inject, Injectable } from '@nestjs/common';
import { CatalogService } from '../catalog/index.js';
import { messageOf } from '../kernel/errors.js';
import { withTimeLimit } from '../kernel/time-limit.js';
import { Database } from '../platform/database/index.js';
import { QUEUE, type WorkQueue } from '../platform/queue/index.js';
import { StorageArea } from '../storage/index.js';

export interface Check {
  name: string;
  status: 'up' | 'down';
  /** What is the matter and what goes on regardless. */
  message?: string;
}

export interface Readiness {
  /** `degraded`: something is down, yet files are still taken; `unavailable`: requests cannot be served. */
  status: 'ready' | 'degraded' | 'unavailable';
  checks: Check[];
}

const CHECK_LIMIT_MS = 3000;

/** Asks each thing that the station stands on. */
@Injectable()
export class HealthService {
  constructor(
    private readonly database: Database,
    @Inject(QUEUE) private readonly queue: WorkQueue,
    private readonly catalog: CatalogService,
    private readonly storage: StorageArea,
  ) {}

  async readiness(): Promise<Readiness> {
    const checks = await Promise.all([
      check('database', () => this.database.query('SELECT 1')),
      check('queue', async () => {
        if (!this.queue.isAvailable()) {
          throw new Error(`the ${this.queue.kind} queue server does not answer; the ledger itself feeds the workers`);
        }
      }),
      check('catalog', () => this.catalog.ping()),
      check('storage', () => this.storage.requireSpace(0)),
    ]);
    const isDown = (name: string) => checks.some((one) => one.name === name && one.status === 'down');
    const status = isDown('database')
      ? 'unavailable'
      : checks.some((one) => one.status === 'down')
        ? 'degraded'
        : 'ready';
    return { status, checks };
  }
}

async function check(name: string, ask: () => Promise<unknown>): Promise<Check> {
  try {
    await withTimeLimit(ask(), CHECK_LIMIT_MS);
    return { name, status: 'up' };
  } catch (error) {
    return { name, status: 'down', message: messageOf(error) };
  }
}
