import { Injectable, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { METRICS } from '../../platform/metrics/index.js';
import { ReaderDefinitionRepository } from './definitions/reader-definition.repository.js';
import { ReaderDefinitions } from './definitions/reader-definitions.js';
import { ReadersController } from './http/readers.controller.js';
import { IsolatedMetadataReaders } from './isolated-metadata-readers.js';
import { METADATA_READERS } from './metadata-readers.port.js';
import { MeteredMetadataReaders } from './metered-metadata-readers.js';
import { ReaderProcess } from './process/reader-process.js';
import { ReadersMetrics } from './readers.metrics.js';
import { ReadersService } from './readers.service.js';

/** A station between two scans keeps no hundred megabytes for the next one. */
const IDLE_MS = 60_000;
/** Of JavaScript objects; what HDF5 takes is outside of the heap, and within the limit of the whole process. */
const HEAP_MEGABYTES = 512;

/** Ends the reader process with the station. */
@Injectable()
export class ReadersShutdown implements OnApplicationShutdown {
  constructor(private readonly readers: IsolatedMetadataReaders) {}

  onApplicationShutdown(): void {
    this.readers.close();
  }
}

export const READER_CONTROLLERS = [ReadersController];

export const READER_PROVIDERS: Provider[] = [
  ReaderDefinitionRepository,
  ReaderDefinitions,
  ReadersService,
  ReadersShutdown,
  {
    provide: IsolatedMetadataReaders,
    useFactory: (definitions: ReaderDefinitions) =>
      new IsolatedMetadataReaders(
        () => definitions.all(),
        new ReaderProcess({ idleMs: IDLE_MS, heapMegabytes: HEAP_MEGABYTES }),
      ),
    inject: [ReaderDefinitions],
  },
  {
    provide: METADATA_READERS,
    useFactory: (readers: IsolatedMetadataReaders, registry: Registry) =>
      new MeteredMetadataReaders(readers, new ReadersMetrics(registry)),
    inject: [IsolatedMetadataReaders, METRICS],
  },
];
