import { Inject, Injectable, Logger } from '@nestjs/common';
import { messageOf, StationError } from '../../kernel/errors.js';
import { isUnavailable } from '../../platform/database/index.js';
import { BatchNotes } from './batch-notes.js';
import type { FileOutcome } from './file-outcome.js';
import { FILE_PLUGINS, type FilePlugin, type PipelineFile, type PluginOutcome } from './file-plugin.port.js';
import { OutcomeJournal } from './outcome-journal.js';
import { OutcomeRecords } from './outcome-records.js';
import { PipelineMetrics } from './pipeline.metrics.js';

/** How long files wait for a step that cannot work at all just now, such as a catalog that is down. */
const STEP_RETRY_SECONDS = 5;

/**
 * Carries claimed files through the plug-ins in order. What the steps did is written down in one transaction: after the
 * last one, and before each that may take its time. While the database is away it goes into the outcome journal.
 */
@Injectable()
export class Pipeline {
  private readonly logger = new Logger(Pipeline.name);
  private readonly plugins: readonly FilePlugin[];

  constructor(
    @Inject(FILE_PLUGINS) plugins: readonly FilePlugin[],
    private readonly records: OutcomeRecords,
    private readonly journal: OutcomeJournal,
    private readonly metrics: PipelineMetrics,
  ) {
    this.plugins = [...plugins].sort((a, b) => a.order - b.order);
  }

  names(): string[] {
    return this.plugins.map((plugin) => plugin.name);
  }

  steps(): { name: string; order: number }[] {
    return this.plugins.map(({ name, order }) => ({ name, order }));
  }

  /** @throws when the outcome could be written down nowhere; the rows are still claimed then. */
  async run(files: readonly PipelineFile[]): Promise<void> {
    const notes = new BatchNotes();
    let going = [...files];
    for (const plugin of this.plugins) {
      const [due, passing] = split(going, plugin);
      if (due.length === 0) {
        continue;
      }
      if (plugin.isBrief !== true && !(await this.writeDown(notes.drain()))) {
        return;
      }
      const outcomes = await this.step(plugin, due);
      going = [...passing, ...notes.take(plugin, due, outcomes, (file) => this.hasMore(file, plugin))];
    }
    notes.finish(going);
    await this.writeDown(notes.drain());
  }

  private async step(plugin: FilePlugin, files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    const endStep = this.metrics.step(plugin.name);
    try {
      return await plugin.process(files);
    } catch (error) {
      this.logger.warn(`plug-in ${plugin.name} cannot work now, ${files.length} files wait: ${messageOf(error)}`);
      const reasonCode = error instanceof StationError ? error.code : 'PLUGIN_FAILED';
      return files.map((file) => ({
        kind: 'stopped',
        ledgerId: file.row.id,
        change: {
          state: file.row.finishedOrder === 0 ? 'failed' : 'cataloguing',
          reasonCode,
          reason: `${plugin.name}: ${messageOf(error)}`,
          dueInSeconds: STEP_RETRY_SECONDS,
          isCutOff: file.row.finishedOrder === 0,
        },
      }));
    } finally {
      endStep();
    }
  }

  /** Answers whether the database has it: what the journal keeps goes on once the database is back. */
  private async writeDown(outcomes: readonly FileOutcome[]): Promise<boolean> {
    try {
      await this.records.write(outcomes);
    } catch (error) {
      if (!isAway(error)) {
        throw error;
      }
      await this.journal.keep(outcomes.map((outcome) => ({ ...outcome, keepsClaim: false })));
      return false;
    }
    this.metrics.done(outcomes.filter(({ change }) => change.state === 'done').map(({ row }) => row));
    for (const { change, keepsClaim } of outcomes) {
      if (change.state !== 'done' && !keepsClaim) {
        this.metrics.stop(change.state);
      }
    }
    return true;
  }

  /** Whether a later plug-in has something to do for the file. */
  private hasMore(file: PipelineFile, after: FilePlugin): boolean {
    return this.plugins.some((plugin) => plugin.order > after.order && concerns(plugin, file));
  }
}

function isAway(error: unknown): boolean {
  return (error instanceof StationError && error.code === 'DATABASE_UNAVAILABLE') || isUnavailable(error);
}

/** Files for which this plug-in is to run, and those that pass it by. */
function split(files: readonly PipelineFile[], plugin: FilePlugin): [PipelineFile[], PipelineFile[]] {
  const isDue = (file: PipelineFile) => file.row.finishedOrder < plugin.order && concerns(plugin, file);
  return [files.filter(isDue), files.filter((file) => !isDue(file))];
}

function concerns(plugin: FilePlugin, file: PipelineFile): boolean {
  return !file.acquisition.options.skipPlugins.includes(plugin.name) && (plugin.appliesTo?.(file) ?? true);
}
