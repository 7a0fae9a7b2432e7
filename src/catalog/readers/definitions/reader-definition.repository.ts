import { Injectable } from '@nestjs/common';
import { Database } from '../../../platform/database/index.js';
import type { FileFormat } from '../metadata-readers.port.js';
import { builtInDefinition, isBuiltIn, type ReaderDefinition, type ReaderSettings } from './reader-definition.js';

interface ReaderRecord {
  name: string;
  is_enabled: boolean;
  read_order: number;
  formats: FileFormat[];
  files: string[];
  command: string[] | null;
  environment: Record<string, string>;
  timeout_seconds: number;
  memory_megabytes: number;
  updated_at: Date;
  updated_by: string;
}

/** All SQL of reader definitions. A row of a built-in reader holds what differs from its defaults. */
@Injectable()
export class ReaderDefinitionRepository {
  constructor(private readonly database: Database) {}

  async all(): Promise<ReaderDefinition[]> {
    const records = await this.database.query<ReaderRecord>(`SELECT * FROM metadata_reader`);
    return records.map(toDefinition);
  }

  async put(name: string, settings: ReaderSettings, updatedBy: string): Promise<ReaderDefinition> {
    const [record] = await this.database.query<ReaderRecord>(
      `INSERT INTO metadata_reader (name, is_enabled, read_order, formats, files, command, environment, timeout_seconds,
         memory_megabytes, updated_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (name) DO UPDATE SET is_enabled = excluded.is_enabled, read_order = excluded.read_order,
         formats = excluded.formats, files = excluded.files, command = excluded.command,
         environment = excluded.environment, timeout_seconds = excluded.timeout_seconds,
         memory_megabytes = excluded.memory_megabytes, updated_by = excluded.updated_by, updated_at = now()
       RETURNING *`,
      [
        name,
        settings.isEnabled,
        settings.order,
        settings.formats,
        settings.files,
        settings.command,
        JSON.stringify(settings.environment),
        settings.timeoutSeconds,
        settings.memoryMegabytes,
        updatedBy,
      ],
    );
    return toDefinition(record as ReaderRecord);
  }

  /** @returns whether there was a row. */
  async delete(name: string): Promise<boolean> {
    const rows = await this.database.query(`DELETE FROM metadata_reader WHERE name = $1 RETURNING name`, [name]);
    return rows.length > 0;
  }
}

function toDefinition(record: ReaderRecord): ReaderDefinition {
  const { name } = record;
  const builtIn = isBuiltIn(name) ? builtInDefinition(name) : undefined;
  return {
    name,
    isBuiltIn: builtIn !== undefined,
    isEnabled: record.is_enabled,
    order: record.read_order,
    formats: builtIn?.formats ?? record.formats,
    files: record.files,
    command: record.command,
    environment: record.environment,
    timeoutSeconds: record.timeout_seconds,
    memoryMegabytes: record.memory_megabytes,
    updatedAt: record.updated_at.toISOString(),
    updatedBy: record.updated_by,
  };
}
