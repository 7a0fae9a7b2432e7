import type { FilePlugin, PipelineFile, PluginOutcome } from '../pipeline/file-plugin.port.js';

/** Known by name, so that `skipPlugins` may go on naming it, and passed by every file. */
export class DisabledPlugin implements FilePlugin {
  constructor(
    readonly name: string,
    readonly order: number,
  ) {}

  appliesTo(): boolean {
    return false;
  }

  process(files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    return Promise.resolve(files.map((file) => ({ kind: 'passed', ledgerId: file.row.id })));
  }
}
