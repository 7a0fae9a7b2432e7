import { chmod, mkdir } from 'node:fs/promises';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AdministratorSeed, type SeededAdministrator } from '../auth/index.js';
import { driverCode, messageOf, StationError } from '../kernel/errors.js';
import type { StationConfig } from '../platform/config/index.js';
import { acquireInstance, ownFacts } from '../platform/instance/index.js';
import { createApplication } from './http-application.js';
import { openStationDatabase, type StationDatabase } from './station-database.js';

export interface RunningStation {
  url: string;
  /** The administrator that this start created; null on every later start. */
  seeded: SeededAdministrator | null;
  stop(): Promise<void>;
}

export interface StationCallbacks {
  log(message: string): void;
  /** The station must not go on: somebody else owns its database. */
  onFatal(message: string): void;
}

/** Brings a station up, in the order in which its parts need each other; what was begun is undone when a step fails. */
export async function startStation(config: StationConfig, callbacks: StationCallbacks): Promise<RunningStation> {
  await prepareDataDirectory(config.dataDir);
  const undo: (() => Promise<unknown>)[] = [];
  const stop = () => undoAll(undo);
  try {
    const lock = await acquireInstance(config.dataDir, ownFacts());
    undo.push(() => lock.release());
    const database = await openStationDatabase(config, { log: callbacks.log, onLeaseLost: callbacks.onFatal });
    undo.push(() => database.close());
    const app = await openApplication(config, database);
    undo.push(() => app.close());
    const seeded = await app.get(AdministratorSeed).ensure(config.dataDir);
    const url = await listen(app, config);
    await Promise.all([lock.update({ url }), database.lease.update({ url })]);
    // Said first of all: a start that finds this one stopping waits for it instead of being refused.
    undo.push(() => lock.update({ isStopping: true }));
    return { url, seeded, stop };
  } catch (error) {
    await stop().catch((fault: unknown) => callbacks.log(`while undoing the start: ${messageOf(fault)}`));
    throw error;
  }
}

/** Every step, the last one first: one that fails (a full disk) must not leave the database running behind. */
async function undoAll(steps: (() => Promise<unknown>)[]): Promise<void> {
  const faults: unknown[] = [];
  for (const step of steps.splice(0).reverse()) {
    await step().catch((fault: unknown) => faults.push(fault));
  }
  if (faults.length > 0) {
    throw faults.length === 1 ? faults[0] : new AggregateError(faults);
  }
}

/** A failure before the application owns the pool must close it here. */
async function openApplication(config: StationConfig, database: StationDatabase): Promise<NestExpressApplication> {
  try {
    return await createApplication({ config, dataSource: database.dataSource, databaseUrl: database.url });
  } catch (error) {
    if (database.dataSource.isInitialized) {
      await database.dataSource.destroy();
    }
    throw error;
  }
}

async function listen(app: NestExpressApplication, config: StationConfig): Promise<string> {
  const { host, port } = config.http;
  // Apart, so that what a part of the station could not do at its start is not taken for trouble with the port.
  await app.init();
  try {
    await app.listen(port, host);
  } catch (error) {
    const why = driverCode(error) === 'EADDRINUSE' ? 'another program uses it' : String(error);
    throw new StationError(
      'conflict',
      'PORT_UNAVAILABLE',
      `Cannot listen on ${host}:${port}: ${why}. Choose another port with DM_HTTP_PORT.`,
      { cause: error },
    );
  }
  const address: unknown = app.getHttpServer().address();
  const bound = typeof address === 'object' && address !== null && 'port' in address ? Number(address.port) : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
}

/** Open to look into, since the database's account must pass through; what is secret in it has modes of its own. */
async function prepareDataDirectory(dataDir: string): Promise<void> {
  try {
    const made = await mkdir(dataDir, { recursive: true });
    if (made !== undefined) {
      await chmod(dataDir, 0o755);
    }
  } catch (error) {
    throw new StationError(
      'invalid',
      'DATA_DIRECTORY_UNUSABLE',
      `The data directory ${dataDir} cannot be made: ${String(error)}. Choose another with DM_DATA_DIR.`,
      { cause: error },
    );
  }
}
