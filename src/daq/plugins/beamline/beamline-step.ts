import type { BatchFileAnswer, BeamlineFile } from '../../../../config/examples/plugins/dm-plugin.js';
import { messageOf } from '../../../kernel/errors.js';

import { pathToText } from '../../../kernel/path-text.js';
import { locationOf } from '../../pipeline/file-location.js';
import type { PipelineFile } from '../../pipeline/file-plugin.port.js';
import type { FileVerdict, PluginStep } from '../plugin-step.js';
import { type BeamlineThread, ThreadEnded, type ThreadFacts } from './beamline-thread.js';

/** After its thread has broken, files go in one by one for this long: the next break names the file to blame. */
const ALONE_MS = 10 * 60_000;

/** A plug-in of the beamline as a step: hands files over to its thread and understands the answers. */
export class BeamlineStep implements PluginStep {
  readonly name: string;
  readonly form: 'file' | 'batch';
  private aloneUntil = 0;

  constructor(
    facts: ThreadFacts,
    private readonly options: Record<string, unknown>,
    private readonly thread: Pick<BeamlineThread, 'call' | 'close'>,
    private readonly now: () => number,
  ) {
    this.name = facts.name;
    this.form = facts.form;
  }

  wantsOneByOne(): boolean {
    return this.now() < this.aloneUntil;
  }

  async process(files: readonly PipelineFile[], signal: AbortSignal): Promise<FileVerdict[]> {
    try {
      return await this.call(files, signal);
    } catch (error) {
      const hasEnded = error instanceof ThreadEnded;
      if (hasEnded || files.length > 1) {
        this.aloneUntil = this.now() + ALONE_MS;
      }
      const message = messageOf(error);
      // Which of several files is to blame nobody knows yet.
      return files.length > 1 || (hasEnded && error.hadCompany)
        ? files.map(() => ({
            kind: 'waits',
            reason: `${message}; several files were in it, they are tried one by one`,
            dueInSeconds: 1,
          }))
        : files.map(() => ({
            kind: 'fault',
            code: signal.aborted ? 'PLUGIN_TIMEOUT' : hasEnded ? 'PLUGIN_THREAD_ENDED' : 'PLUGIN_FAILED',
            message: signal.aborted && hasEnded ? `${messageOf(signal.reason)}: ${message}` : message,
            isSystemic: signal.aborted,
          }));
    }
  }

  close(): Promise<void> {
    return this.thread.close();
  }

  private async call(files: readonly PipelineFile[], signal: AbortSignal): Promise<FileVerdict[]> {
    const answers = await this.thread.call(files.map(describe), this.options, signal);
    const byId = new Map(answers.map((answer) => [answer.id, answer]));
    return files.map((file) => verdictOf(byId.get(file.row.catalogId)));
  }
}

function verdictOf(answer: BatchFileAnswer | undefined): FileVerdict {
  if (answer?.error !== undefined) {
    return { kind: 'fault', code: 'PLUGIN_FAILED', message: answer.error };
  }
  return {
    kind: 'passed',
    ...(answer?.metadata === undefined ? {} : { metadata: answer.metadata }),
    ...(answer?.warning === undefined ? {} : { warning: { code: 'PLUGIN_WARNING', message: answer.warning } }),
  };
}

function describe(file: PipelineFile): BeamlineFile {
  const { row, experiment, acquisition } = file;
  return {
    id: row.catalogId,
    experiment: experiment.name,
    path: pathToText(row.destinationPath),
    absolutePath: pathToText(locationOf(file)),
    sourcePath: pathToText(row.sourcePath),
    version: row.version,
    sizeBytes: Number(row.sizeBytes),
    md5Sum: row.md5Sum,
    acquisitionId: acquisition.id,
    metadata: structuredClone(acquisition.options.metadata),
  };
}
