import { Injectable } from '@nestjs/common';
import { ExperimentsService } from '../../experiments/index.js';
import { type Remains, TransferEngines } from '../../storage/index.js';
import { type CutOffRow, LedgerClaims } from '../ledger/ledger-claims.js';
import { OutcomeJournal } from './outcome-journal.js';

/** What an earlier run of the station had in work when it died: freed, its temporary files removed. What its journal says had an end. */
@Injectable()
export class InterruptedWork {
  constructor(
    private readonly journal: OutcomeJournal,
    private readonly claims: LedgerClaims,
    private readonly experiments: ExperimentsService,
    private readonly engines: TransferEngines,
  ) {}

  /** To be called before any work starts: an attempt under way has its temporary file under the same name. */
  async recover(): Promise<CutOffRow[]> {
    await this.journal.replay();
    const rows = await this.claims.releaseAll();
    const remains: Remains[] = [];
    for (const [experimentId, group] of Map.groupBy(rows, (row) => row.experimentId)) {
      const experiment = await this.experiments.findById(experimentId);
      if (experiment !== undefined) {
        const experimentDirectory = Buffer.from(experiment.storageDirectory);
        remains.push(...group.map(({ id, destinationPath }) => ({ id, destinationPath, experimentDirectory })));
      }
    }
    await this.engines.discard(remains);
    return rows;
  }
}
