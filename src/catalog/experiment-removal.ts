import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ExperimentUsage } from '../experiments/index.js';
import { EventLog, type StationEvent } from '../platform/events/index.js';
import { FILE_CATALOG, type FileCatalog } from './file-catalog.port.js';

/** Has a say before an experiment is deleted, and clears up after it (MongoDB knows no foreign keys). */
@Injectable()
export class ExperimentRemoval implements OnModuleInit {
  constructor(
    @Inject(FILE_CATALOG) private readonly catalog: FileCatalog,
    private readonly usage: ExperimentUsage,
    private readonly events: EventLog,
  ) {}

  onModuleInit(): void {
    this.usage.register(async (experimentId) => {
      const { countFiles } = await this.catalog.statistics(experimentId);
      return countFiles === 0 ? [] : [{ kind: 'contents', what: `${countFiles} cataloged files` }];
    });
    this.events.subscribe('catalog.experiment-removal', ['experiment.deleted'], (events) => this.clear(events));
  }

  private async clear(events: readonly StationEvent[]): Promise<void> {
    for (const { experimentId } of events) {
      if (typeof experimentId === 'number') {
        await this.catalog.deleteExperiment(experimentId);
      }
    }
  }
}
