import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { parseExecutableOutput, runOnFile } from '../../../catalog/index.js';
import { driverCode, messageOf, StationError } from '../../../kernel/errors.js';
import { joinBytes } from '../../../kernel/path-bytes.js';
import { pathToText } from '../../../kernel/path-text.js';
import { type Wildcard, wildcard } from '../../../kernel/wildcard.js';
import type { PipelineFile } from '../../pipeline/file-plugin.port.js';
import { type PluginSettings, pluginOptions } from '../plugin-settings.js';
import type { FileVerdict, PluginStep } from '../plugin-step.js';
import type { ShippedStep } from '../shipped-step.js';

const optionsSchema = z.strictObject({
  readers: z
    .array(
      z.strictObject({
        /** Wildcards on the path in the experiment; the first reader that one of them fits reads the file. */
        files: z.array(z.string().min(1)).min(1),
        command: z
          .tuple([z.string().refine(isAbsolute, 'must be an absolute path, such as /usr/local/bin/read-header')])
          .rest(z.string()),
        /** Added to the environment, which otherwise holds PATH and LANG only. */
        environment: z.record(z.string(), z.string()).default({}),
      }),
    )
    .min(1, 'name at least one reader'),
  /** Address space of a reader. */
  memoryMegabytes: z.int().min(16).max(1_048_576).default(4096),
  /** Before each key, such as `header.`. */
  keyPrefix: z.string().max(256).default(''),
  /** Key under which a reader's complaint is recorded. */
  errorKey: z.string().min(1).max(256).default('metadataReaderError'),
});

type Options = z.infer<typeof optionsSchema>;

interface Reader {
  fits: readonly Wildcard[];
  command: readonly string[];
  environment: Readonly<Record<string, string>>;
}

/**
 * Runs an executable of the beamline on each file and records what it prints. The command comes from the configuration
 * alone; the file's path reaches it as one argument, never through a shell.
 */
export class MetadataReader implements PluginStep {
  readonly name = 'metadata-reader';
  readonly form = 'file';
  private readonly readers: readonly Reader[];

  constructor(
    private readonly options: Options,
    private readonly timeoutSeconds: number,
  ) {
    this.readers = options.readers.map(({ files, command, environment }) => ({
      fits: files.map(wildcard),
      command,
      environment,
    }));
  }

  appliesTo(file: PipelineFile): boolean {
    return this.readerOf(file) !== undefined;
  }

  async process([file]: readonly PipelineFile[], signal: AbortSignal): Promise<FileVerdict[]> {
    const reader = file === undefined ? undefined : this.readerOf(file);
    if (file === undefined || reader === undefined) {
      return [{ kind: 'passed' }];
    }
    try {
      const { metadata, ignoredLines } = parseExecutableOutput(await this.read(reader, file, signal));
      const warning =
        ignoredLines === 0
          ? {}
          : { warning: { code: 'READER_LINES_IGNORED', message: `${ignoredLines} lines were no "key: value"` } };
      return [{ kind: 'passed', metadata: this.prefixed(metadata), ...warning }];
    } catch (error) {
      const code = error instanceof StationError ? error.code : (driverCode(error) ?? 'READER_FAILED');
      const message = `${reader.command[0]} on this file: ${messageOf(error)}`;
      return [{ kind: 'fault', code, message, metadata: { [this.options.errorKey]: message } }];
    }
  }

  private readerOf(file: PipelineFile): Reader | undefined {
    const path = pathToText(file.row.destinationPath);
    return this.readers.find(({ fits }) => fits.some((matches) => matches(path)));
  }

  private async read(reader: Reader, file: PipelineFile, signal: AbortSignal): Promise<string> {
    const path = joinBytes(file.experiment.directory, file.row.destinationPath);
    const limits = { memoryMegabytes: this.options.memoryMegabytes, timeoutSeconds: this.timeoutSeconds };
    return runOnFile({ ...reader, ...limits }, path, signal);
  }

  private prefixed(metadata: Record<string, unknown>): Record<string, unknown> {
    const { keyPrefix } = this.options;
    return keyPrefix === ''
      ? metadata
      : Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`${keyPrefix}${key}`, value]));
  }
}

export const METADATA_READER: ShippedStep = {
  name: 'metadata-reader',
  defaults: { order: 220, timeoutSeconds: 60, onError: 'warn', concurrency: 2, options: {} },
  make({ options, timeoutSeconds }: PluginSettings) {
    return new MetadataReader(pluginOptions('metadata-reader', optionsSchema, options), timeoutSeconds);
  },
};
