import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { Alarms } from './alarms/index.js';
import { CONFIG, type StationConfig } from './config/index.js';
import { Database } from './database/index.js';
import { EventLog, EventStore } from './events/index.js';
import { createRegistry, METRICS } from './metrics/index.js';
import { BullWorkQueue, PostgresBullBackend, QUEUE, RedisBullBackend } from './queue/index.js';
import { QueueShutdown } from './queue-shutdown.js';

export interface PlatformParts {
  config: StationConfig;
  dataSource: DataSource;
  /** Where the queue's own pools connect to when it lives in PostgreSQL. */
  databaseUrl: string;
}

/** The technology that every module stands on. Global: business modules name each other, not this. */
@Global()
@Module({})
export class PlatformModule {
  static with(parts: PlatformParts): DynamicModule {
    return {
      module: PlatformModule,
      providers: [
        { provide: CONFIG, useValue: parts.config },
        { provide: METRICS, useFactory: createRegistry },
        { provide: Database, useFactory: () => new Database(parts.dataSource) },
        {
          provide: QUEUE,
          useFactory: (database: Database) => openQueue(parts, database),
          inject: [Database],
        },
        QueueShutdown,
        EventStore,
        EventLog,
        Alarms,
      ],
      exports: [CONFIG, METRICS, Database, QUEUE, EventStore, EventLog, Alarms],
    };
  }
}

function openQueue(parts: PlatformParts, database: Database): BullWorkQueue {
  const { redis, station } = parts.config;
  return new BullWorkQueue(
    redis.url === undefined
      ? new PostgresBullBackend(parts.databaseUrl, () => database.isAvailable())
      : new RedisBullBackend(redis.url, `dm-${station.name}`),
  );
}
