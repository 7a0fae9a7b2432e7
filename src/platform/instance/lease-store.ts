import type { Client } from 'pg';
import type { InstanceFacts } from './instance-facts.js';

/** The holder of a database, with where its data directory is. */
export interface LeaseFacts extends InstanceFacts {
  dataDirectory: string;
}

/** The session advisory lock that is the lease; PostgreSQL frees it the moment the session ends. */
const LOCK = [7236, 13] as const;

/** How a lease's session is called, also for people who look at pg_stat_activity. */
export function sessionName(facts: LeaseFacts): string {
  return `dm-station lease ${facts.host} ${facts.pid}`.slice(0, 63);
}

/** What the lease says and asks in SQL, all on the one session that holds it. */
export class LeaseStore {
  constructor(private readonly client: Client) {}

  /** A dead machine says no goodbye: after 25 s without a sign of life the server ends the session, and the lease. */
  async tuneSession(): Promise<void> {
    await this.client.query(
      'SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET idle_session_timeout = 0; SET statement_timeout = 0',
    );
  }

  async tryLock(): Promise<boolean> {
    const found = await this.client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS locked', [
      ...LOCK,
    ]);
    return found.rows[0]?.locked === true;
  }

  /** Writes who we are; does nothing on a database that has not been migrated yet. */
  async record(token: string, facts: LeaseFacts): Promise<void> {
    if (!(await this.#tableExists())) {
      return;
    }
    await this.client.query(
      `INSERT INTO station_lease (id, token, backend_pid, host, pid, data_directory, url, since, renewed_at)
       VALUES (1, $1, pg_backend_pid(), $2, $3, $4, $5, $6, now())
       ON CONFLICT (id) DO UPDATE SET token = EXCLUDED.token, backend_pid = EXCLUDED.backend_pid, host = EXCLUDED.host,
         pid = EXCLUDED.pid, data_directory = EXCLUDED.data_directory, url = EXCLUDED.url, since = EXCLUDED.since,
         renewed_at = EXCLUDED.renewed_at`,
      [token, facts.host, facts.pid, facts.dataDirectory, facts.url, facts.since],
    );
  }

  async renew(): Promise<void> {
    if (await this.#tableExists()) {
      await this.client.query('UPDATE station_lease SET renewed_at = now() WHERE id = 1');
    }
  }

  async clear(token: string): Promise<void> {
    if (await this.#tableExists()) {
      await this.client.query('DELETE FROM station_lease WHERE token = $1', [token]);
    }
  }

  /** The session that has the lock, and what is recorded about it; `undefined` when it was given free meanwhile. */
  async holder(): Promise<{ backendPid: number; token: string | undefined; facts: Partial<LeaseFacts> } | undefined> {
    const session = await this.client.query<{ pid: number; application_name: string | null; since: Date | null }>(
      `SELECT l.pid, a.application_name, a.backend_start AS since
         FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [...LOCK],
    );
    const lock = session.rows[0];
    if (lock === undefined) {
      return undefined;
    }
    const row = await this.#row();
    if (row !== undefined && row.backend_pid === lock.pid) {
      const { host, pid, url, data_directory: dataDirectory } = row;
      return {
        backendPid: lock.pid,
        token: row.token,
        facts: { pid, host, url, since: row.since.toISOString(), dataDirectory },
      };
    }
    // Before its first migration a station has only its session's name.
    const named = /^dm-station lease (\S+) (\d+)$/.exec(lock.application_name ?? '');
    const facts: Partial<LeaseFacts> = named === null ? {} : { host: named[1] ?? '', pid: Number(named[2]) };
    return { backendPid: lock.pid, token: undefined, facts };
  }

  /** Ends a session of ours that the server does not yet know to be dead. */
  async endSession(backendPid: number): Promise<void> {
    await this.client.query('SELECT pg_terminate_backend($1)', [backendPid]);
  }

  async #tableExists(): Promise<boolean> {
    const found = await this.client.query<{ found: boolean }>(
      `SELECT to_regclass('station_lease') IS NOT NULL AS found`,
    );
    return found.rows[0]?.found === true;
  }

  async #row(): Promise<LeaseRow | undefined> {
    if (!(await this.#tableExists())) {
      return undefined;
    }
    return (await this.client.query<LeaseRow>('SELECT * FROM station_lease WHERE id = 1')).rows[0];
  }
}

interface LeaseRow {
  token: string;
  backend_pid: number;
  host: string;
  pid: number;
  data_directory: string;
  url: string | null;
  since: Date;
}
