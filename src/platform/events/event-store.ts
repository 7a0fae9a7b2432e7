import { Injectable } from '@nestjs/common';
import { Database, type Sql } from '../database/index.js';
import type { NewEvent, StationEvent } from './event.js';

interface EventRow {
  id: string;
  at: Date;
  type: string;
  experiment_id: number | null;
  subject: string | null;
  data: Record<string, unknown>;
}

export interface ReadEvents {
  afterId: number;
  types?: readonly string[];
  /** Only events of these experiments; station-wide ones are left out then. */
  experimentIds?: readonly number[];
  limit: number;
}

/** All SQL of the event feed. */
@Injectable()
export class EventStore {
  constructor(private readonly database: Database) {}

  async append(sql: Sql, events: readonly NewEvent[]): Promise<void> {
    await sql.query(
      `INSERT INTO event_outbox (type, experiment_id, subject, data)
       SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::json[])`,
      [
        events.map((event) => event.type),
        events.map((event) => event.experimentId ?? null),
        events.map((event) => event.subject ?? null),
        events.map((event) => JSON.stringify(event.data)),
      ],
    );
  }

  /** Moves up to `limit` committed events into the feed, oldest first; answers their types. */
  async moveOutbox(limit: number): Promise<string[]> {
    const rows = await this.database.query<{ type: string }>(
      `WITH moved AS (
         DELETE FROM event_outbox WHERE id IN (SELECT id FROM event_outbox ORDER BY id LIMIT $1) RETURNING *
       )
       INSERT INTO event (at, type, experiment_id, subject, data)
       SELECT at, type, experiment_id, subject, data FROM moved ORDER BY moved.id
       RETURNING type`,
      [limit],
    );
    return rows.map((row) => row.type);
  }

  async read(options: ReadEvents): Promise<StationEvent[]> {
    const rows = await this.database.query<EventRow>(
      `SELECT id, at, type, experiment_id, subject, data FROM event
       WHERE id > $1
         AND ($2::text[] IS NULL OR type = ANY($2))
         AND ($3::int[] IS NULL OR experiment_id = ANY($3))
       ORDER BY id LIMIT $4`,
      [options.afterId, options.types ?? null, options.experimentIds ?? null, options.limit],
    );
    return rows.map((row) => ({
      id: Number(row.id),
      at: row.at,
      type: row.type,
      experimentId: row.experiment_id,
      subject: row.subject,
      data: row.data,
    }));
  }

  async latestId(): Promise<number> {
    const [row] = await this.database.query<{ id: string }>(`SELECT coalesce(max(id), 0) AS id FROM event`);
    return Number(row?.id ?? 0);
  }

  async cursor(consumer: string): Promise<number> {
    const [row] = await this.database.query<{ last_id: string }>(
      `SELECT last_id FROM event_cursor WHERE consumer = $1`,
      [consumer],
    );
    return Number(row?.last_id ?? 0);
  }

  async saveCursor(sql: Sql, consumer: string, lastId: number): Promise<void> {
    await sql.query(
      `INSERT INTO event_cursor (consumer, last_id) VALUES ($1, $2)
       ON CONFLICT (consumer) DO UPDATE SET last_id = excluded.last_id`,
      [consumer, lastId],
    );
  }

  /** Forgets events older than `days` that every durable consumer has passed. */
  async prune(days: number): Promise<void> {
    await this.database.query(
      `DELETE FROM event WHERE at < now() - make_interval(secs => $1::double precision * 86400)
         AND id <= coalesce((SELECT min(last_id) FROM event_cursor), 9223372036854775807)`,
      [days],
    );
  }
}
