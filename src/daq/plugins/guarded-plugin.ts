import { messageOf } from '../../kernel/errors.js';
import { type FilePlugin, type PipelineFile, type PluginOutcome } from '../pipeline/file-plugin.port.js';
import { CallSlots } from '../../kernel/call-slots.js';
import type { FileMetadataRecorder } from './file-metadata.js';
import type { PluginLanes } from './plugin-lanes.js';
import { outcomeOf } from './plugin-policy.js';
import type { PluginRecord } from './plugin-record.js';
import { PluginRest } from './plugin-rest.js';
import type { PluginSettings } from './plugin-settings.js';
import type { FileVerdict, PluginStep } from './plugin-step.js';

/** A batch waits this long for a lane; then its files come again, and the worker goes on with other work. */
const LANE_WAIT_MS = 1000;
/** After this a batch lets its lane go: calls under way end, files that are not begun come again at once. */
const LANE_HOLD_MS = 20_000;
const MOST_FILES_IN_CALL = 500;
/** The catalog documents are written from this order on (the catalog's own). */
const CATALOG_ORDER = 200;

/** Longer than a beamline's thread takes to find out whether it is blocked. */
export const GRACE_MS = 4000;

export interface GuardedParts {
  lanes: PluginLanes;
  recorder: Pick<FileMetadataRecorder, 'record'>;
  record: PluginRecord;
  maxAttempts: number;
  /** After its time is over a step has this long to say how it ended; see `GRACE_MS`. */
  graceMs: number;
  /** Milliseconds; injected for tests. */
  now: () => number;
}

/**
 * Fits a plug-in's step into the pipeline so that nothing it does can stop the station or another file: calls are
 * bounded in time and number, a step that cannot work now is left alone for a while, and a fault means for its file what
 * the configuration says (`onError`).
 */
export class GuardedPlugin implements FilePlugin {
  readonly name: string;
  readonly order: number;
  private readonly rest: PluginRest;
  /** Over all batches that are in the plug-in. */
  private readonly slots: CallSlots;

  constructor(
    private readonly step: PluginStep,
    private readonly settings: PluginSettings,
    private readonly parts: GuardedParts,
  ) {
    this.name = step.name;
    this.order = settings.order;
    this.rest = new PluginRest(parts.now);
    this.slots = new CallSlots(() => (step.wantsOneByOne?.() === true ? 1 : settings.concurrency));
  }

  /** When it is tried again after it did not answer; null when it is not at rest. */
  get restsUntil(): Date | null {
    const { remainingMs } = this.rest;
    return remainingMs === 0 ? null : new Date(this.parts.now() + remainingMs);
  }

  /** Since when it has not answered; null while it works. */
  get failingSinceMs(): number | null {
    return this.rest.failingSinceMs;
  }

  appliesTo(file: PipelineFile): boolean {
    return this.step.appliesTo?.(file) ?? true;
  }

  async process(files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    const verdicts = await this.withMetadata(files, await this.verdictsOf(files));
    const rules = { name: this.name, onError: this.settings.onError, maxAttempts: this.parts.maxAttempts };
    return files.map((file, at) => {
      const verdict = verdicts[at] ?? NOT_BEGUN;
      const outcome = outcomeOf(file, verdict, { ...rules, nowMs: this.parts.now() });
      this.note(file, verdict, outcome);
      return outcome;
    });
  }

  private async verdictsOf(files: readonly PipelineFile[]): Promise<FileVerdict[]> {
    if (this.rest.remainingMs > 0) {
      return files.map(() => this.atRest());
    }
    if (!(await this.parts.lanes.enter(LANE_WAIT_MS))) {
      return files.map(() => ({
        kind: 'waits',
        reason: 'other batches are in the plug-ins just now; it takes its turn',
        dueInSeconds: 2,
      }));
    }
    try {
      return await this.inCalls(files);
    } finally {
      this.parts.lanes.leave();
    }
  }

  private async inCalls(files: readonly PipelineFile[]): Promise<FileVerdict[]> {
    const verdicts = new Array<FileVerdict>(files.length);
    const endOfHold = this.parts.now() + LANE_HOLD_MS;
    let next = 0;
    const lane = async () => {
      while (next < files.length) {
        await this.slots.take();
        try {
          const start = next;
          const some = files.slice(start, start + this.filesInCall());
          next += some.length;
          const said = some.length === 0 ? [] : await this.verdictsInTurn(some, endOfHold);
          said.forEach((verdict, at) => (verdicts[start + at] = verdict));
        } finally {
          this.slots.give();
        }
      }
    };
    await Promise.all(Array.from({ length: this.settings.concurrency }, lane));
    return verdicts;
  }

  private verdictsInTurn(files: readonly PipelineFile[], endOfHold: number): Promise<FileVerdict[]> | FileVerdict[] {
    if (this.rest.remainingMs > 0) {
      return files.map(() => this.atRest());
    }
    return this.parts.now() >= endOfHold ? files.map(() => NOT_BEGUN) : this.call(files);
  }

  private filesInCall(): number {
    return this.step.form === 'file' || this.step.wantsOneByOne?.() === true ? 1 : MOST_FILES_IN_CALL;
  }

  private async call(files: readonly PipelineFile[]): Promise<FileVerdict[]> {
    this.parts.record.call();
    const verdicts = await this.inTime(files);
    if (verdicts.some((verdict) => verdict.kind === 'fault' && verdict.isSystemic === true)) {
      this.rest.noteSystemicFault();
    } else {
      this.rest.noteAnswer();
    }
    return verdicts;
  }

  private async inTime(files: readonly PipelineFile[]): Promise<FileVerdict[]> {
    const { timeoutSeconds } = this.settings;
    const abort = new AbortController();
    const message = `no answer within ${timeoutSeconds} s`;
    const timers: NodeJS.Timeout[] = [];
    const timedOut = new Promise<FileVerdict[]>((resolve) => {
      const giveUp = () =>
        resolve(files.map(() => ({ kind: 'fault', code: 'PLUGIN_TIMEOUT', message, isSystemic: true })));
      timers.push(
        setTimeout(() => {
          abort.abort(new Error(message));
          timers.push(setTimeout(giveUp, this.parts.graceMs));
        }, timeoutSeconds * 1000),
      );
    });
    try {
      const work = this.step
        .process(files, abort.signal)
        .catch((error: unknown): FileVerdict[] =>
          files.map(() => ({ kind: 'fault', code: 'PLUGIN_FAILED', message: messageOf(error) })),
        );
      return await Promise.race([work, timedOut]);
    } finally {
      timers.forEach((timer) => clearTimeout(timer));
    }
  }

  private atRest(): FileVerdict {
    const seconds = this.rest.remainingMs / 1000;
    const message = `it did not answer several times in a row and is left alone for another ${Math.ceil(seconds)} s`;
    return this.settings.onError === 'warn'
      ? { kind: 'fault', code: 'PLUGIN_AT_REST', message }
      : { kind: 'waits', reason: message, dueInSeconds: seconds + 1 };
  }

  /** Writes what the plug-in found out into the catalog. A document that is refused is a fault of its file. */
  private async withMetadata(files: readonly PipelineFile[], verdicts: FileVerdict[]): Promise<FileVerdict[]> {
    const found = files.flatMap((file, at) => {
      const verdict = verdicts[at];
      const counts = verdict?.kind === 'passed' || (verdict?.kind === 'fault' && this.settings.onError === 'warn');
      return counts && verdict.metadata !== undefined ? [{ file, metadata: verdict.metadata }] : [];
    });
    if (found.length === 0) {
      return verdicts;
    }
    const refusals =
      this.order > CATALOG_ORDER
        ? await this.parts.recorder.record(found)
        : new Map(found.map(({ file }) => [file.row.id, TOO_EARLY]));
    return files.map((file, at) => {
      const refusal = refusals.get(file.row.id);
      return refusal === undefined
        ? (verdicts[at] ?? NOT_BEGUN)
        : { kind: 'fault', code: refusal.code, message: `its metadata is refused: ${refusal.message}` };
    });
  }

  private note(file: PipelineFile, verdict: FileVerdict, outcome: PluginOutcome): void {
    const { record } = this.parts;
    if (verdict.kind === 'waits') {
      record.file(file, 'waited', undefined);
    } else if (outcome.kind === 'passed') {
      record.file(file, outcome.warning === undefined ? 'passed' : 'warned', outcome.warning?.message);
    } else {
      record.file(file, 'failed', outcome.change.reason ?? undefined);
    }
  }
}

const NOT_BEGUN: FileVerdict = {
  kind: 'waits',
  reason: 'the files before it took their time; it is next',
  dueInSeconds: 1,
};

const TOO_EARLY = {
  code: 'PLUGIN_METADATA_TOO_EARLY',
  message: `the file is not in the catalog yet; give the plug-in an order above ${CATALOG_ORDER}`,
};
