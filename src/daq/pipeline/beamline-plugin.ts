import { messageOf } from '../../kernel/errors.js';
import { joinBytes } from '../../kernel/path-bytes.js';
import { pathToText } from '../../kernel/path-text.js';
import type { FilePlugin, PipelineFile, PluginOutcome } from './file-plugin.port.js';
import { afterFault } from './retry-policy.js';

/** What a plug-in of the beamline is told of a file. Paths are in their text form. */
export interface BeamlineFile {
  experiment: string;
  /** Relative to the experiment's directory. */
  path: string;
  /** In the storage area. */
  absolutePath: string;
  sourcePath: string;
  version: number | null;
  sizeBytes: number;
  md5Sum: string | null;
  acquisitionId: string;
  metadata: Record<string, unknown>;
}

/**
 * What a module in the plug-in folder exports by default (see this folder's README): it is called for each file, may be
 * called again for the same file after a crash, and throws when the file should be tried again.
 */
export interface BeamlinePlugin {
  name: string;
  /** After the transfer (100); unique. Between 101 and 199 the file is not in the catalog yet. */
  order: number;
  process(file: BeamlineFile, context: { signal: AbortSignal }): Promise<void> | void;
}

/** Fits a beamline's plug-in into the pipeline: one file at a time, bounded in time, a fault stops only its file. */
export class BeamlinePluginAdapter implements FilePlugin {
  readonly name: string;
  readonly order: number;

  constructor(
    private readonly plugin: BeamlinePlugin,
    private readonly timeoutSeconds: number,
    private readonly maxAttempts: number,
  ) {
    this.name = plugin.name;
    this.order = plugin.order;
  }

  async process(files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    const outcomes: PluginOutcome[] = [];
    for (const file of files) {
      outcomes.push(await this.processOne(file));
    }
    return outcomes;
  }

  private async processOne(file: PipelineFile): Promise<PluginOutcome> {
    try {
      await this.callWithLimit(file);
      return { kind: 'passed', ledgerId: file.row.id };
    } catch (error) {
      const fault = {
        kind: 'transient',
        code: 'PLUGIN_FAILED',
        message: `Plug-in ${this.name}: ${messageOf(error)}`,
      } as const;
      const change = afterFault(fault, file.row.attempts, this.maxAttempts);
      // The copy is safe whatever the plug-in says: the row waits at this step, not before it.
      return {
        kind: 'stopped',
        ledgerId: file.row.id,
        change: change.state === 'failed' ? { ...change, state: 'cataloguing' } : change,
      };
    }
  }

  private async callWithLimit(file: PipelineFile): Promise<void> {
    const signal = AbortSignal.timeout(this.timeoutSeconds * 1000);
    const timedOut = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error(`no answer within ${this.timeoutSeconds} s`)), {
        once: true,
      });
    });
    await Promise.race([this.plugin.process(describe(file), { signal }), timedOut]);
  }
}

function describe(file: PipelineFile): BeamlineFile {
  const { row, experiment, acquisition } = file;
  return {
    experiment: experiment.name,
    path: pathToText(row.destinationPath),
    absolutePath: pathToText(joinBytes(experiment.directory, row.destinationPath)),
    sourcePath: pathToText(row.sourcePath),
    version: row.version,
    sizeBytes: Number(row.sizeBytes),
    md5Sum: row.md5Sum,
    acquisitionId: acquisition.id,
    metadata: structuredClone(acquisition.options.metadata),
  };
}
