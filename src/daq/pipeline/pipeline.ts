import { Inject, Injectable, Logger } from '@nestjs/common';
import { messageOf, StationError } from '../../kernel/errors.js';
import { Database, type Transaction } from '../../platform/database/index.js';
import { EventLog, type NewEvent } from '../../platform/events/index.js';
import { PRIMARY, ReplicaRepository } from '../../storage/index.js';
import { LedgerClaims } from '../ledger/ledger-claims.js';
import type { RowChange } from '../ledger/ledger-row.js';
import { PipelineMetrics } from './pipeline.metrics.js';
import { FILE_PLUGINS, type FilePlugin, type PipelineFile, type PluginOutcome } from './file-plugin.port.js';

/** How long files wait for a step that cannot work at all just now, such as a catalog that is down. */
const STEP_RETRY_SECONDS = 5;

/** Carries claimed files through the plug-ins in order, writing down after each step what it did. */
@Injectable()
export class Pipeline {
  private readonly logger = new Logger(Pipeline.name);
  private readonly plugins: readonly FilePlugin[];

  constructor(
    @Inject(FILE_PLUGINS) plugins: readonly FilePlugin[],
    private readonly database: Database,
    private readonly claims: LedgerClaims,
    private readonly replicas: ReplicaRepository,
    private readonly events: EventLog,
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

  /** @throws when the database is gone; the rows are still claimed then. */
  async run(files: readonly PipelineFile[]): Promise<void> {
    let going = [...files];
    for (const plugin of this.plugins) {
      const [due, passing] = split(going, plugin);
      if (due.length === 0) {
        continue;
      }
      const outcomes = await this.step(plugin, due);
      going = [...passing, ...(await this.writeDown(plugin, due, outcomes))];
    }
    await this.finish(going);
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

  /**
   * One transaction for a step: rows, replicas and events agree. A file that has no step left is `done` with it; the
   * others are answered.
   */
  private async writeDown(
    plugin: FilePlugin,
    files: readonly PipelineFile[],
    outcomes: readonly PluginOutcome[],
  ): Promise<PipelineFile[]> {
    const passed = outcomes.filter((outcome) => outcome.kind === 'passed');
    const stopped = outcomes.filter((outcome) => outcome.kind === 'stopped');
    const byId = new Map(files.map((file) => [file.row.id, file]));
    const filesOf = (some: readonly PluginOutcome[]) => some.flatMap((outcome) => byId.get(outcome.ledgerId) ?? []);
    const goingOn = passed.filter((outcome) => filesOf([outcome]).some((file) => this.hasMore(file, plugin)));
    const ending = passed.filter((outcome) => !goingOn.includes(outcome));
    await this.database.transaction(async (tx) => {
      await this.claims.apply(
        tx,
        stopped.map((outcome) => ({ id: outcome.ledgerId, ...outcome.change })),
        { keepClaim: false },
      );
      for (const outcome of stopped) {
        const row = byId.get(outcome.ledgerId)?.row;
        if (outcome.otherSourceOf !== undefined && row !== undefined) {
          await this.claims.addOtherSource(tx, outcome.otherSourceOf, row);
        }
      }
      for (const { displaced } of passed) {
        if (displaced !== undefined) {
          await (displaced.to === null
            ? this.replicas.forget(tx, displaced.ledgerId, PRIMARY)
            : this.replicas.move(tx, displaced.ledgerId, PRIMARY, displaced.to));
        }
      }
      const replicas = passed.flatMap((outcome) => outcome.replica ?? []);
      if (replicas.length > 0) {
        await this.replicas.record(tx, replicas);
      }
      await this.events.append(
        tx,
        passed.flatMap((outcome) => outcome.events ?? []),
      );
      await this.claims.apply(
        tx,
        goingOn.map((outcome) => changeOf(outcome, plugin, 'cataloguing')),
        { keepClaim: true },
      );
      await this.claims.apply(
        tx,
        ending.map((outcome) => changeOf(outcome, plugin, 'done')),
        { keepClaim: false },
      );
      await this.events.append(tx, doneEvents(filesOf(ending)));
    });
    stopped.forEach((outcome) => this.metrics.stop(outcome.change.state));
    this.metrics.done(filesOf(ending));
    return goingOn.flatMap((outcome) => filesOf([outcome]).map((file) => withStep(file, outcome, plugin)));
  }

  /** Whether a later plug-in has something to do for the file. */
  private hasMore(file: PipelineFile, after: FilePlugin): boolean {
    return this.plugins.some((plugin) => plugin.order > after.order && concerns(plugin, file));
  }

  /** Files that had no step left when they were claimed. */
  private async finish(files: readonly PipelineFile[]): Promise<void> {
    if (files.length === 0) {
      return;
    }
    await this.database.transaction(async (tx: Transaction) => {
      await this.claims.apply(
        tx,
        files.map((file) => ({ id: file.row.id, state: 'done' })),
        { keepClaim: false },
      );
      await this.events.append(tx, doneEvents(files));
    });
    this.metrics.done(files);
  }
}

/** Files for which this plug-in is to run, and those that pass it by. */
function split(files: readonly PipelineFile[], plugin: FilePlugin): [PipelineFile[], PipelineFile[]] {
  const isDue = (file: PipelineFile) => file.row.finishedOrder < plugin.order && concerns(plugin, file);
  return [files.filter(isDue), files.filter((file) => !isDue(file))];
}

function concerns(plugin: FilePlugin, file: PipelineFile): boolean {
  return !file.acquisition.options.skipPlugins.includes(plugin.name) && (plugin.appliesTo?.(file) ?? true);
}

function changeOf(
  outcome: Extract<PluginOutcome, { kind: 'passed' }>,
  plugin: FilePlugin,
  state: 'cataloguing' | 'done',
): RowChange {
  const { warning } = outcome;
  return {
    id: outcome.ledgerId,
    state,
    finishedOrder: plugin.order,
    ...outcome.change,
    ...(warning === undefined ? {} : { warning: { plugin: plugin.name, ...warning } }),
  };
}

function withStep(
  file: PipelineFile,
  outcome: Extract<PluginOutcome, { kind: 'passed' }>,
  plugin: FilePlugin,
): PipelineFile {
  const { change } = outcome;
  return {
    ...file,
    row: {
      ...file.row,
      finishedOrder: plugin.order,
      md5Sum: change?.md5Sum ?? file.row.md5Sum,
      version: change?.dropsVersion === true ? null : file.row.version,
      reprocesses: change?.reprocesses ?? file.row.reprocesses,
      transferredAt: change?.isTransferred === true ? new Date() : file.row.transferredAt,
    },
  };
}

/** One event per acquisition and batch, never one per file. */
function doneEvents(files: readonly PipelineFile[]): NewEvent[] {
  const byAcquisition = Map.groupBy(files, (file) => file.acquisition.id);
  return [...byAcquisition].map(([acquisitionId, group]) => ({
    type: 'files.done',
    experimentId: group[0]?.experiment.id ?? null,
    subject: acquisitionId,
    data: { acquisitionId, count: group.length, ledgerIds: group.map((file) => file.row.id) },
  }));
}
