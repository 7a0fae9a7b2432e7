import { messageOf } from '../../kernel/errors.js';
import type { FilePlugin, PipelineFile, PluginOutcome } from '../pipeline/file-plugin.port.js';
import type { PluginRecord } from './plugin-record.js';

/** Counts what a plug-in does that belongs to the station itself. */
export class CountedPlugin implements FilePlugin {
  readonly name: string;

  constructor(
    private readonly plugin: FilePlugin,
    readonly order: number,
    private readonly record: PluginRecord,
  ) {
    this.name = plugin.name;
  }

  get isBrief(): boolean {
    return this.plugin.isBrief ?? false;
  }

  appliesTo(file: PipelineFile): boolean {
    return this.plugin.appliesTo?.(file) ?? true;
  }

  async process(files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    this.record.call();
    const bytes = files.reduce((sum, file) => sum + file.row.sizeBytes, 0n);
    this.record.bytesInWork += bytes;
    try {
      const outcomes = await this.plugin.process(files);
      const byId = new Map(files.map((file) => [file.row.id, file]));
      for (const outcome of outcomes) {
        const file = byId.get(outcome.ledgerId);
        if (file !== undefined) {
          this.record.outcome(file, outcome);
        }
      }
      return outcomes;
    } catch (error) {
      files.forEach((file) => this.record.file(file, 'failed', messageOf(error)));
      throw error;
    } finally {
      this.record.bytesInWork -= bytes;
    }
  }
}
