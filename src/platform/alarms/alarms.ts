import { Injectable } from '@nestjs/common';
import { Database, type Sql } from '../database/index.js';
import { EventLog } from '../events/index.js';

export type AlarmSeverity = 'info' | 'warning' | 'critical';

export interface NewAlarm {
  /** Same key, same alarm: raising it again only counts. `daq.source-missing:<acquisition id>`. */
  key: string;
  severity: AlarmSeverity;
  /** What is the matter, one sentence. */
  message: string;
  /** What a person can do about it. */
  action: string;
  experimentId?: number | null;
  details?: Record<string, unknown>;
}

export interface Alarm extends Required<Omit<NewAlarm, 'experimentId'>> {
  experimentId: number | null;
  raisedAt: string;
  lastSeenAt: string;
  count: number;
}

/** Conditions that need attention. Whoever raises an alarm also clears it when the condition is over. */
@Injectable()
export class Alarms {
  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
  ) {}

  /** The alarm and its event exist together or not at all. */
  raise(alarm: NewAlarm, sql?: Sql): Promise<void> {
    return sql === undefined ? this.database.transaction((tx) => this.raiseIn(tx, alarm)) : this.raiseIn(sql, alarm);
  }

  clear(key: string, sql?: Sql): Promise<void> {
    return sql === undefined ? this.database.transaction((tx) => this.clearIn(tx, key)) : this.clearIn(sql, key);
  }

  private async raiseIn(sql: Sql, alarm: NewAlarm): Promise<void> {
    const [row] = await sql.query<{ is_new: boolean }>(
      `INSERT INTO alarm AS a (key, severity, message, action, experiment_id, details)
       VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (key) DO UPDATE SET
         severity = excluded.severity, message = excluded.message, action = excluded.action,
         experiment_id = excluded.experiment_id, details = excluded.details, last_seen_at = now(),
         raised_at = CASE WHEN a.cleared_at IS NULL THEN a.raised_at ELSE now() END,
         count = CASE WHEN a.cleared_at IS NULL THEN a.count + 1 ELSE 1 END,
         cleared_at = NULL
       RETURNING (count = 1) AS is_new`,
      [
        alarm.key,
        alarm.severity,
        alarm.message,
        alarm.action,
        alarm.experimentId ?? null,
        JSON.stringify(alarm.details ?? {}),
      ],
    );
    if (row?.is_new === true) {
      await this.announce(sql, 'alarm.raised', alarm);
    }
  }

  private async clearIn(sql: Sql, key: string): Promise<void> {
    const [row] = await sql.query<{
      severity: AlarmSeverity;
      message: string;
      action: string;
      experiment_id: number | null;
    }>(
      `UPDATE alarm SET cleared_at = now() WHERE key = $1 AND cleared_at IS NULL
       RETURNING severity, message, action, experiment_id`,
      [key],
    );
    if (row !== undefined) {
      await this.announce(sql, 'alarm.cleared', { key, ...row, experimentId: row.experiment_id });
    }
  }

  /** Active alarms, the gravest and newest first. `experimentIds`: only those of these experiments. */
  async active(experimentIds?: readonly number[]): Promise<Alarm[]> {
    return this.database.query<Alarm>(
      `SELECT key, severity, message, action, experiment_id AS "experimentId", details, count,
              to_char(raised_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "raisedAt",
              to_char(last_seen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "lastSeenAt"
       FROM alarm
       WHERE cleared_at IS NULL AND ($1::int[] IS NULL OR experiment_id = ANY($1))
       ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), raised_at DESC`,
      [experimentIds ?? null],
    );
  }

  private async announce(sql: Sql, type: string, alarm: NewAlarm): Promise<void> {
    await this.events.append(sql, [
      {
        type,
        experimentId: alarm.experimentId ?? null,
        subject: alarm.key,
        data: { key: alarm.key, severity: alarm.severity, message: alarm.message, action: alarm.action },
      },
    ]);
  }
}
