import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { driverCode, messageOf, StationError } from '../../../kernel/errors.js';
import { joinBytes } from '../../../kernel/path-bytes.js';
import { pathToText } from '../../../kernel/path-text.js';
import { strictUtf8 } from '../../../kernel/utf8.js';
import type { PipelineFile } from '../../pipeline/file-plugin.port.js';
import { type Wildcard, wildcard } from '../../scan/wildcard.js';
import { type PluginSettings, pluginOptions } from '../plugin-settings.js';
import type { FileVerdict, PluginStep } from '../plugin-step.js';
import type { ShippedStep } from '../shipped-step.js';
import { parseReaderOutput } from './reader-output.js';
import { runReader } from './reader-process.js';

/** Stands in an argument for the file's path; without it the path is the last argument. */
const FILE = '{file}';

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
      const { metadata, ignoredLines } = parseReaderOutput(await this.read(reader, file, signal));
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
    return withArgument(path, (argument) =>
      runReader(withFile(reader.command, argument), reader.environment, limits, signal),
    );
  }

  private prefixed(metadata: Record<string, unknown>): Record<string, unknown> {
    const { keyPrefix } = this.options;
    return keyPrefix === ''
      ? metadata
      : Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`${keyPrefix}${key}`, value]));
  }
}

/** Node hands arguments over as UTF-8: a path that is none is reached through a link with a plain name. */
async function withArgument<T>(path: Buffer, run: (argument: string) => Promise<T>): Promise<T> {
  let text: string;
  try {
    text = strictUtf8.decode(path);
  } catch {
    const directory = await mkdtemp(join(tmpdir(), 'dm-reader-'));
    try {
      const link = join(directory, `file${extname(path.toString('latin1')).replace(/[^\x21-\x7e]/g, '')}`);
      await symlink(path, link);
      return await run(link);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
  return run(text);
}

function withFile(command: readonly string[], argument: string): string[] {
  const isPlaced = command.some((part) => part.includes(FILE));
  const placed = command.map((part) => part.replaceAll(FILE, () => argument));
  return isPlaced ? placed : [...placed, argument];
}

export const METADATA_READER: ShippedStep = {
  name: 'metadata-reader',
  defaults: { order: 220, timeoutSeconds: 60, onError: 'warn', concurrency: 2, options: {} },
  make({ options, timeoutSeconds }: PluginSettings) {
    return new MetadataReader(pluginOptions('metadata-reader', optionsSchema, options), timeoutSeconds);
  },
};
