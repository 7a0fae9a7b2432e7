import type { RowChange } from '../ledger/ledger-row.js';
import type { FileOutcome } from './file-outcome.js';
import type { FilePlugin, PipelineFile, PluginOutcome } from './file-plugin.port.js';

type Passed = Extract<PluginOutcome, { kind: 'passed' }>;

/** What the steps of a batch have said of its files and is not written down yet. */
export class BatchNotes {
  private readonly open = new Map<string, FileOutcome>();

  /** Takes what a step said; answers the files that go on, as they are now. `hasMore`: whether a later step waits. */
  take(
    plugin: FilePlugin,
    files: readonly PipelineFile[],
    outcomes: readonly PluginOutcome[],
    hasMore: (file: PipelineFile) => boolean,
  ): PipelineFile[] {
    const byId = new Map(files.map((file) => [file.row.id, file]));
    const goingOn: PipelineFile[] = [];
    for (const outcome of outcomes) {
      const file = byId.get(outcome.ledgerId);
      if (file === undefined) {
        continue;
      }
      if (outcome.kind === 'stopped') {
        const note = this.note(file, outcome.change, false);
        note.otherSourceOf = outcome.otherSourceOf ?? null;
        continue;
      }
      const after = withStep(file, outcome, plugin);
      const isDone = !hasMore(after);
      this.pass(after, outcome, plugin, isDone);
      if (!isDone) {
        goingOn.push(after);
      }
    }
    return goingOn;
  }

  /** For files that have no step left. */
  finish(files: readonly PipelineFile[]): void {
    files.forEach((file) => this.note(file, { state: 'done' }, false));
  }

  /** Everything since the last call. */
  drain(): FileOutcome[] {
    const outcomes = [...this.open.values()];
    this.open.clear();
    return outcomes;
  }

  private pass(file: PipelineFile, outcome: Passed, plugin: FilePlugin, isDone: boolean): void {
    const { warning, change, replica, displaced, events } = outcome;
    const note = this.note(
      file,
      { state: isDone ? 'done' : 'cataloguing', finishedOrder: plugin.order, ...change },
      !isDone,
    );
    if (warning !== undefined) {
      note.change.warnings = [...(note.change.warnings ?? []), { plugin: plugin.name, ...warning }];
    }
    note.replicas.push(...(replica === undefined ? [] : [replica]));
    note.displaced.push(...(displaced === undefined ? [] : [displaced]));
    note.events.push(...(events ?? []));
  }

  private note({ row }: PipelineFile, change: Omit<RowChange, 'id'>, keepsClaim: boolean): FileOutcome {
    const known = this.open.get(row.id);
    if (known !== undefined) {
      known.change = { ...known.change, ...change };
      known.keepsClaim = keepsClaim;
      return known;
    }
    const { id, experimentId, acquisitionId, sourceHost, sourcePath, inode, sizeBytes, mtimeNs } = row;
    const note: FileOutcome = {
      row: { id, experimentId, acquisitionId, sourceHost, sourcePath, inode, sizeBytes, mtimeNs },
      change: { id, ...change },
      keepsClaim,
      replicas: [],
      displaced: [],
      otherSourceOf: null,
      events: [],
    };
    this.open.set(id, note);
    return note;
  }
}

function withStep(file: PipelineFile, { change }: Passed, plugin: FilePlugin): PipelineFile {
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
