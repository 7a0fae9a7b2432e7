import type { DataSource } from 'typeorm';
import { ENTITIES } from '../entities.js';
import type { StationConfig } from '../platform/config/index.js';
import { openDataSource } from '../platform/database/index.js';
import { EmbeddedPostgres } from '../platform/embedded-postgres/index.js';
import { DatabaseLease, ownFacts } from '../platform/instance/index.js';
import { POSTGRES_MIGRATIONS } from './migrations.js';

export interface StationDatabase {
  dataSource: DataSource;
  url: string;
  lease: DatabaseLease;
  /** Gives the lease back and stops an embedded server. The pool is closed by the application. */
  close(): Promise<void>;
}

export interface DatabaseCallbacks {
  log(message: string): void;
  /** Another station took the database while it was out of reach. */
  onLeaseLost(message: string): void;
}

/** Starts or finds the database, takes its lease, brings the schema up to date. Leaves nothing running when it fails. */
export async function openStationDatabase(
  config: StationConfig,
  callbacks: DatabaseCallbacks,
): Promise<StationDatabase> {
  const embedded = config.postgres.url === undefined ? embeddedServer(config, callbacks) : undefined;
  const url = config.postgres.url ?? (await startOf(embedded));
  const lease = new DatabaseLease({
    url,
    facts: { ...ownFacts(), dataDirectory: config.dataDir },
    onLost: (holder) =>
      callbacks.onLeaseLost(`the database now belongs to process ${holder.pid ?? '?'} on ${holder.host ?? '?'}`),
  });
  try {
    await lease.acquire();
    const dataSource = await openDataSource({
      url,
      poolSize: config.postgres.poolSize,
      entities: ENTITIES,
      migrations: POSTGRES_MIGRATIONS,
    });
    return {
      dataSource,
      url,
      lease,
      close: async () => {
        await lease.release();
        await embedded?.stop();
      },
    };
  } catch (error) {
    await lease.release();
    await embedded?.stop();
    throw error;
  }
}

function embeddedServer(config: StationConfig, { log }: DatabaseCallbacks): EmbeddedPostgres {
  return new EmbeddedPostgres({
    dataDirectory: config.dataDir,
    ...(config.postgres.osUser === undefined ? {} : { osUser: config.postgres.osUser }),
    onDown: ({ reason }) => log(`the embedded database ended (${reason}); it is started again`),
    onRestartFailed: (error, delayMs) =>
      log(`the embedded database does not start, next try in ${delayMs} ms: ${String(error)}`),
    onRestart: ({ downMs }) => log(`the embedded database answers again after ${downMs} ms`),
    log,
  });
}

async function startOf(embedded: EmbeddedPostgres | undefined): Promise<string> {
  if (embedded === undefined) {
    throw new Error('neither a database URL nor an embedded server');
  }
  return (await embedded.start()).url;
}
