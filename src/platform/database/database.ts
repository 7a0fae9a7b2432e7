import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Pool, PoolClient } from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import { isUnavailable, translateDatabaseError } from './database-errors.js';
import type { Sql, Transaction } from './sql.js';

/** How often reachability is looked at while nobody asks the database for anything. */
const PROBE_INTERVAL_MS = 2000;

/** The station's PostgreSQL: plain SQL through the pool, transactions, and TypeORM's repositories over the same pool. */
@Injectable()
export class Database implements Sql, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Database.name);
  private available = true;
  private outageCount = 0;
  private probe: NodeJS.Timeout | undefined;

  constructor(readonly dataSource: DataSource) {}

  onApplicationBootstrap(): void {
    this.probe = setInterval(() => {
      this.query('SELECT 1').catch(() => undefined);
    }, PROBE_INTERVAL_MS);
    this.probe.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.probe);
    // Whatever still runs at this point finishes first: the pool hands out no more clients and waits for the busy ones.
    if (this.dataSource.isInitialized) {
      await this.dataSource.destroy();
    }
  }

  /** Whether the last thing asked of the server was answered. */
  isAvailable(): boolean {
    return this.available;
  }

  /** How often it went away since the start. What was committed in such a moment may not have been answered. */
  get outages(): number {
    return this.outageCount;
  }

  /** The pool below TypeORM. TypeORM's own `query` changes the shape of results by statement, so SQL goes here. */
  get pool(): Pool {
    return (this.dataSource.driver as unknown as { master: Pool }).master;
  }

  async query<Row>(text: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return this.observed(async () => {
      const result = await this.pool.query(text, [...parameters]);
      return result.rows as Row[];
    });
  }

  /** Runs `run` in one transaction: committed when it resolves, rolled back when it throws. */
  async transaction<T>(run: (transaction: Transaction) => Promise<T>): Promise<T> {
    const afterCommit: (() => void)[] = [];
    const result = await this.observed(async () => {
      const runner = this.dataSource.createQueryRunner();
      try {
        const client = (await runner.connect()) as PoolClient;
        await runner.startTransaction();
        const value = await run(this.transactionOn(runner, client, afterCommit));
        await runner.commitTransaction();
        return value;
      } catch (error) {
        if (runner.isTransactionActive) {
          await runner.rollbackTransaction().catch(() => undefined);
        }
        throw error;
      } finally {
        await runner.release();
      }
    });
    for (const action of afterCommit) {
      action();
    }
    return result;
  }

  private transactionOn(runner: QueryRunner, client: PoolClient, afterCommit: (() => void)[]): Transaction {
    return {
      manager: runner.manager,
      query: async <Row>(text: string, parameters: readonly unknown[] = []) =>
        (await client.query(text, [...parameters])).rows as Row[],
      afterCommit: (action) => afterCommit.push(action),
    };
  }

  private async observed<T>(run: () => Promise<T>): Promise<T> {
    try {
      const value = await run();
      this.setAvailable(true);
      return value;
    } catch (error) {
      if (isUnavailable(error)) {
        this.setAvailable(false);
      }
      throw translateDatabaseError(error);
    }
  }

  private setAvailable(available: boolean): void {
    if (this.available !== available) {
      this.available = available;
      this.outageCount += available ? 0 : 1;
      this.logger[available ? 'log' : 'warn'](
        available ? 'the database answers again' : 'the database does not answer',
      );
    }
  }
}
