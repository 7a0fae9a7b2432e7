/**
 * What a plug-in of a beamline sees and answers. Refer to it from the module, and an editor checks it as you type:
 *
 *     /** @type {import('./dm-plugin.d.ts').BeamlinePlugin} *\/
 *     export default { name: 'my-plugin', order: 250, process(file, context) { … } };
 *
 * How plug-ins are called, and what happens when one fails: src/daq/pipeline/README.md.
 */

/** A file version in storage. Paths are in their text form: control characters and raw bytes as `\xHH`, `\` as `\\`. */
export interface BeamlineFile {
  /** Of this file version alone, and for ever: what repeated calls are recognised by. */
  readonly id: string;
  readonly experiment: string;
  /** Relative to the experiment's directory. */
  readonly path: string;
  /** In the storage area. */
  readonly absolutePath: string;
  readonly sourcePath: string;
  readonly version: number | null;
  readonly sizeBytes: number;
  readonly md5Sum: string | null;
  readonly acquisitionId: string;
  /** What was given with the acquisition. */
  readonly metadata: Record<string, unknown>;
}

export interface PluginContext {
  /** Aborted when the time is over: nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** `daq.plugins.<name>.options` of the station's configuration. */
  readonly options: Record<string, unknown>;
}

/** Nothing to say is fine. */
export interface FileAnswer {
  /** Goes into the file's catalog metadata; needs an order above 200. Keys that are there already keep their value. */
  metadata?: Record<string, unknown>;
  /** The file passes, and this stands in its record for whoever asks `dm file why`. */
  warning?: string;
}

/** For `processBatch`: an `error` means what throwing means in `process`, for this file alone. */
export interface BatchFileAnswer extends FileAnswer {
  id: string;
  error?: string;
}

interface Common {
  /** Lower-case letters, digits, dashes; what `skipPlugins` and `daq.plugins` name. */
  name: string;
  /**
   * Plug-ins run in ascending order: transfer 100, catalog 200, workflow 300; unique. Between 101 and 199 the file is
   * not in the catalog yet. `daq.plugins.<name>.order` overrides it.
   */
  order: number;
}

/** Called for each file. Throw to say that it did not work. */
export interface PerFilePlugin extends Common {
  process(file: BeamlineFile, context: PluginContext): FileAnswer | void | Promise<FileAnswer | void>;
}

/** Called for up to 500 files at once. Files that the answer does not name have passed; throwing is for all of them. */
export interface BatchPlugin extends Common {
  processBatch(
    files: readonly BeamlineFile[],
    context: PluginContext,
  ): BatchFileAnswer[] | void | Promise<BatchFileAnswer[] | void>;
}

export type BeamlinePlugin = PerFilePlugin | BatchPlugin;
