import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { StationError } from '../../kernel/errors.js';
import { describeHolder } from './instance-facts.js';
import { LeaseStore, sessionName, type LeaseFacts } from './lease-store.js';

export interface DatabaseLeaseOptions {
  /** URL of the station's database; must be the server itself, not a pooler that shares sessions. */
  url: string;
  facts: LeaseFacts;
  /** Somebody else took the database while we could not reach it. Nothing may be written any more. */
  onLost: (holder: Partial<LeaseFacts>) => void;
  /** Milliseconds to wait for a holder that is about to end, such as the one we were restarted for. Default: 5 s. */
  patienceMs?: number;
}

const RENEW_EVERY_MS = 10_000;
const RETRY_EVERY_MS = 250;

/**
 * The right to use a database, held by one station at a time: a session advisory lock, so it goes with the session, and
 * a row in `station_lease` that names the holder. Take it before migrations run, and `update` it once they have.
 */
export class DatabaseLease {
  readonly #token = randomUUID();
  #facts: LeaseFacts;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = new AbortController();
  #reacquiring: Promise<void> | undefined;

  constructor(private readonly options: DatabaseLeaseOptions) {
    this.#facts = options.facts;
  }

  /** Whether the session that holds the lease stands right now. */
  get isHeld(): boolean {
    return this.#client !== undefined;
  }

  /** @throws StationError conflict `DATABASE_ALREADY_IN_USE` that names the holder. */
  async acquire(): Promise<void> {
    const deadline = Date.now() + (this.options.patienceMs ?? 5_000);
    for (;;) {
      const holder = await this.#tryOnce();
      if (holder === undefined) {
        this.#timer = setInterval(() => void this.#renew(), RENEW_EVERY_MS).unref();
        return;
      }
      if (Date.now() > deadline) {
        throw alreadyInUse(holder);
      }
      await pause(RETRY_EVERY_MS);
    }
  }

  /** Records what became known later, such as the URL; and everything, once the table is there. */
  async update(facts: Partial<LeaseFacts>): Promise<void> {
    this.#facts = { ...this.#facts, ...facts };
    if (this.#client !== undefined) {
      await new LeaseStore(this.#client).record(this.#token, this.#facts);
    }
  }

  /** Gives the database free; safe to call at any time and more than once. */
  async release(): Promise<void> {
    this.#stopped.abort();
    clearInterval(this.#timer);
    await this.#reacquiring;
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) {
      await new LeaseStore(client).clear(this.#token).catch(() => undefined);
      await end(client);
    }
  }

  /** Opens a session and takes the lock: `undefined` when we have it, else who has. */
  async #tryOnce(): Promise<Partial<LeaseFacts> | undefined> {
    const client = new pg.Client({
      connectionString: this.options.url,
      application_name: sessionName(this.#facts),
      connectionTimeoutMillis: 10_000,
      query_timeout: 10_000,
      keepAlive: true,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const store = new LeaseStore(client);
      await store.tuneSession();
      if (await store.tryLock()) {
        await store.record(this.#token, this.#facts);
        this.#hold(client);
        return undefined;
      }
      const holder = await store.holder();
      if (holder?.token === this.#token) {
        await store.endSession(holder.backendPid);
      }
      await end(client);
      return holder === undefined || holder.token === this.#token ? { ...this.#facts } : holder.facts;
    } catch (error) {
      await end(client);
      throw error;
    }
  }

  #hold(client: pg.Client): void {
    this.#client = client;
    client.once('end', () => {
      if (this.#client === client) {
        this.#client = undefined;
        this.#reacquiring = this.#reacquire();
      }
    });
  }

  async #renew(): Promise<void> {
    const client = this.#client;
    if (client !== undefined) {
      // A session that does not answer is as good as gone; ending it starts the way back.
      await new LeaseStore(client).renew().catch(() => end(client));
    }
  }

  /** After the server restarted or the network was away: until we have it again, or somebody else has. */
  async #reacquire(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const holder = await this.#tryOnce().catch(() => 'unreachable' as const);
      if (holder === undefined) {
        return;
      }
      if (holder !== 'unreachable' && !this.#isUs(holder)) {
        clearInterval(this.#timer);
        this.options.onLost(holder);
        return;
      }
      await pause(RETRY_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  #isUs(holder: Partial<LeaseFacts>): boolean {
    return holder.pid === this.#facts.pid && holder.host === this.#facts.host && holder.since === this.#facts.since;
  }
}

function alreadyInUse(holder: Partial<LeaseFacts>): StationError {
  const where = holder.dataDirectory === undefined ? '' : `, with the data directory ${holder.dataDirectory}`;
  return new StationError(
    'conflict',
    'DATABASE_ALREADY_IN_USE',
    `The database is in use by ${describeHolder(holder)}${where}. Stop that one first, or name another database in DM_POSTGRES_URL.`,
    { details: { holder } },
  );
}

async function end(client: pg.Client): Promise<void> {
  // A connection whose other side is gone may never confirm its end.
  await Promise.race([client.end().catch(() => undefined), pause(2_000, undefined, { ref: false })]);
}
