import { Injectable } from '@nestjs/common';
import { DirectoryUnits } from '../ledger/directory-units.js';
import type { FilePlugin, PipelineFile, PluginOutcome } from './file-plugin.port.js';

/** Only for the case that the opening of the gate missed a row that was just being written down. */
const WAIT_SECONDS = 60;

/**
 * `processingMode: directory`: holds verified files back until the whole directory is verified; then they go on
 * together. Directly after the transfer, so that no other step sees a part of the unit.
 */
@Injectable()
export class DirectoryPlugin implements FilePlugin {
  readonly name = 'directory';
  readonly order = 101;

  constructor(private readonly units: DirectoryUnits) {}

  appliesTo(file: PipelineFile): boolean {
    return file.acquisition.options.processingMode === 'directory';
  }

  async process(files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    const outcomes: PluginOutcome[] = [];
    for (const [acquisitionId, group] of Map.groupBy(files, (file) => file.acquisition.id)) {
      const isWhole = await this.units.isWhole(acquisitionId);
      outcomes.push(...group.map((file) => (isWhole ? passed(file) : waits(file))));
    }
    return outcomes;
  }
}

function passed({ row }: PipelineFile): PluginOutcome {
  return { kind: 'passed', ledgerId: row.id };
}

function waits({ row }: PipelineFile): PluginOutcome {
  return {
    kind: 'stopped',
    ledgerId: row.id,
    change: {
      state: 'cataloguing',
      reasonCode: 'waits-for-directory',
      reason:
        'It is in storage, verified, and waits until the rest of its directory is, too (processingMode directory).',
      dueInSeconds: WAIT_SECONDS,
    },
  };
}
