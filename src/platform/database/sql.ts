import type { EntityManager } from 'typeorm';

/** Anything that runs one SQL statement: the pool, or a transaction. 64-bit integers and numerics arrive as text. */
export interface Sql {
  /** @throws StationError DATABASE_UNAVAILABLE (503) when the server cannot be reached; else the driver's error. */
  query<Row>(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
}

export interface Transaction extends Sql {
  /** TypeORM's view of the same transaction. */
  readonly manager: EntityManager;
  /** Runs `action` once the transaction has been committed, never when it was rolled back. */
  afterCommit(action: () => void): void;
}
