import { setMaxListeners } from 'node:events';
import { CallSlots } from '../../kernel/call-slots.js';
import { driverCode, messageOf } from '../../kernel/errors.js';
import { withTimeLimit } from '../../kernel/time-limit.js';
import type { ReaderDefinition } from './definitions/reader-definition.js';
import { parseExecutableOutput } from './executable/executable-output.js';
import { runOnFile } from './executable/run-on-file.js';
import { boundedTree } from './formats/bounded-tree.js';
import type { FileFormat, MetadataReaders, RawTree, ReaderFindings } from './metadata-readers.port.js';
import { type FileLimits, ReaderEnded } from './process/reader-child.js';
import { type ReaderProcess, unavailable } from './process/reader-process.js';
import { chooseReader } from './reader-choice.js';

/** Finding out what a file is takes one read of some KB; a disk that needs longer for it does not answer. */
const DETECTION: FileLimits = { timeoutMs: 30_000, memoryBytes: 1024 * 1_048_576 };
/** Executables of the beamline at a time: each is a process of unknown appetite. */
const MOST_EXECUTABLES = 2;

/** A killed executable is gone at once, unless it waits for a dead disk, which nobody waits for here. */
const END_GRACE_MS = 5000;
/** The machine has no room for a process just now: no matter of the file. */
const NO_RESOURCES = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

const NOTHING: ReaderFindings = { format: null, reader: null, raw: null, complaint: null };

/** Built-in readers in a process of their own, custom ones each as a process. */
export class IsolatedMetadataReaders implements MetadataReaders {
  private readonly slots = new CallSlots(() => MOST_EXECUTABLES);
  private readonly stopping = new AbortController();

  constructor(
    private readonly readers: () => Promise<readonly ReaderDefinition[]>,
    private readonly process: ReaderProcess,
  ) {
    setMaxListeners(0, this.stopping.signal);
  }

  async read(path: Buffer | string, name: string, signal?: AbortSignal): Promise<ReaderFindings> {
    return this.readWith(await this.readers(), path, name, signal);
  }

  /** With other readers than those that are stored: what the trial of a reader does. */
  async readWith(
    readers: readonly ReaderDefinition[],
    path: Buffer | string,
    name: string,
    signal?: AbortSignal,
  ): Promise<ReaderFindings> {
    const detected = await this.detect(path, name, signal);
    if (typeof detected === 'object' && detected !== null) {
      return detected;
    }
    const reader = chooseReader(readers, detected, name);
    if (reader === undefined) {
      return NOTHING;
    }
    return reader.command === null
      ? this.builtIn(reader, path, signal)
      : this.custom({ ...reader, command: reader.command }, path, signal);
  }

  /** Ends the processes. Files that are being read are given up. */
  close(): void {
    this.stopping.abort(new Error('the station is stopping'));
    this.process.close();
  }

  /** The format, or the answer where the file cannot be opened at all. */
  private async detect(
    path: Buffer | string,
    name: string,
    signal?: AbortSignal,
  ): Promise<FileFormat | null | ReaderFindings> {
    try {
      const reply = await this.process.ask({ kind: 'detect', path, name }, DETECTION, signal);
      if (reply.kind !== 'detected') {
        throw new Error('The reader process answered something else than it was asked.');
      }
      return reply.complaint === null ? reply.format : { ...NOTHING, complaint: reply.complaint };
    } catch (error) {
      return { ...NOTHING, complaint: complaintOf(error) };
    }
  }

  private async builtIn(
    { name, timeoutSeconds, memoryMegabytes }: ReaderDefinition,
    path: Buffer | string,
    signal?: AbortSignal,
  ): Promise<ReaderFindings> {
    const format = name as FileFormat;
    const found = { format, reader: name };
    const limits = { timeoutMs: timeoutSeconds * 1000, memoryBytes: memoryMegabytes * 1_048_576 };
    try {
      const reply = await this.process.ask({ kind: 'read', path, format }, limits, signal);
      if (reply.kind !== 'read') {
        throw new Error('The reader process answered something else than it was asked.');
      }
      const raw = reply.raw === null ? null : (JSON.parse(reply.raw) as RawTree);
      return { ...found, raw, complaint: reply.complaint };
    } catch (error) {
      return { ...found, raw: null, complaint: complaintOf(error) };
    }
  }

  private async custom(
    reader: ReaderDefinition & { command: string[] },
    path: Buffer | string,
    signal?: AbortSignal,
  ): Promise<ReaderFindings> {
    const found = { format: reader.name, reader: reader.name };
    await this.slots.take();
    try {
      signal?.throwIfAborted();
      const output = await this.run(reader, path, signal);
      const { metadata, ignoredLines } = parseExecutableOutput(output);
      const complaint =
        ignoredLines === 0 ? null : `${ignoredLines} lines of its reader's output were no "key: value".`;
      return { ...found, raw: boundedTree(metadata), complaint };
    } catch (error) {
      signal?.throwIfAborted();
      if (this.stopping.signal.aborted || NO_RESOURCES.has(driverCode(error) ?? '')) {
        throw unavailable(error);
      }
      return { ...found, raw: null, complaint: `Its reader ${reader.name} did not succeed: ${messageOf(error)}.` };
    } finally {
      this.slots.give();
    }
  }

  private run(
    reader: ReaderDefinition & { command: string[] },
    path: Buffer | string,
    signal?: AbortSignal,
  ): Promise<string> {
    const limit = AbortSignal.timeout(reader.timeoutSeconds * 1000);
    const ends = AbortSignal.any([limit, this.stopping.signal, ...(signal === undefined ? [] : [signal])]);
    const run = runOnFile(reader, Buffer.from(path as string), ends);
    return withTimeLimit(run, reader.timeoutSeconds * 1000 + END_GRACE_MS).catch((error: unknown) => {
      throw limit.aborted ? new Error(`it took longer than the limit of ${reader.timeoutSeconds} s`) : error;
    });
  }
}

/** The sentence for the file where it is the file's; all else is thrown on. */
function complaintOf(error: unknown): string {
  if (error instanceof ReaderEnded) {
    return error.message;
  }
  throw error;
}
