import mongoose, { type Connection } from 'mongoose';
import { isUnavailable, translateMongoError } from './mongo-errors.js';

export interface MongoConnectionOptions {
  url: string;
  poolSize: number;
  /** Only for the message of a time-out. */
  queryTimeLimitMs: number;
  /** Default: {@link ANSWER_LIMIT_MS}. */
  answerLimitMs?: number;
}

/**
 * A server that says nothing for so long on a connection has hung: the connection is given up, and what waited for it comes
 * again. Above the longest limit that the server itself has for one operation (counting anew).
 */
const ANSWER_LIMIT_MS = 120_000;
/** How long an operation waits for a server before it is "unavailable": callers queue up and retry by themselves. */
const SERVER_SELECTION_MS = 5_000;
const DEFAULT_DATABASE = 'dm_station';

/** The connection to MongoDB, opened by the first use and again after a failure; knows whether the server answers. */
export class MongoConnection {
  private opening: Promise<Connection> | undefined;
  private available = true;

  constructor(private readonly options: MongoConnectionOptions) {}

  isAvailable(): boolean {
    return this.available;
  }

  /** @throws StationError CATALOG_UNAVAILABLE, CATALOG_QUERY_TIMEOUT; else the driver's error. */
  async use<T>(run: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      const result = await run(await this.open());
      this.available = true;
      return result;
    } catch (error) {
      this.available = this.available && !isUnavailable(error);
      throw translateMongoError(error, this.options.queryTimeLimitMs);
    }
  }

  async close(): Promise<void> {
    const opening = this.opening;
    this.opening = undefined;
    await opening?.then(
      (connection) => connection.close(),
      () => undefined,
    );
  }

  private open(): Promise<Connection> {
    // After the first success the driver reconnects by itself; a failed first attempt has to be repeated from here.
    this.opening ??= this.connect().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  private async connect(): Promise<Connection> {
    const { url, poolSize } = this.options;
    const connection = mongoose.createConnection();
    // Without a listener an error of a background reconnect would end the process; the next operation reports it.
    connection.on('error', () => undefined);
    try {
      return await connection.openUri(url, {
        maxPoolSize: poolSize,
        serverSelectionTimeoutMS: SERVER_SELECTION_MS,
        socketTimeoutMS: this.options.answerLimitMs ?? ANSWER_LIMIT_MS,
        bufferCommands: false,
        autoIndex: false,
        autoCreate: false,
        // A file is done only when its document survives a crash of the server.
        writeConcern: { w: 'majority', journal: true },
        ...(namesDatabase(url) ? {} : { dbName: DEFAULT_DATABASE }),
      });
    } catch (error) {
      await connection.destroy().catch(() => undefined);
      throw error;
    }
  }
}

function namesDatabase(url: string): boolean {
  return /^mongodb(?:\+srv)?:\/\/[^/]+\/[^?]+/.test(url);
}
