import { pathToText } from '../../kernel/path-text.js';
import type { PipelineFile, PluginOutcome } from '../pipeline/file-plugin.port.js';
import type { PluginMetrics, PluginResult } from './plugin.metrics.js';

/** What a plug-in has done since the station started. */
export interface PluginCounts {
  calls: number;
  /** Files by what became of them; `failed` counts each failed try. */
  passed: number;
  warned: number;
  failed: number;
  waited: number;
  lastError: PluginError | null;
}

export interface PluginError {
  /** RFC 3339, UTC. */
  at: string;
  /** In the experiment; null when it was about no single file. */
  path: string | null;
  message: string;
}

/** Counts what one plug-in does, for people (`dm plugin list`) and for Prometheus. */
export class PluginRecord {
  private readonly counts: PluginCounts = { calls: 0, passed: 0, warned: 0, failed: 0, waited: 0, lastError: null };

  constructor(
    private readonly name: string,
    private readonly metrics: PluginMetrics,
  ) {}

  /** Bytes of the files that are in calls just now. */
  bytesInWork = 0n;

  call(): void {
    this.counts.calls += 1;
    this.metrics.call(this.name);
  }

  file(file: PipelineFile, result: PluginResult, message: string | undefined): void {
    this.counts[result] += 1;
    this.metrics.file(this.name, result);
    if (message !== undefined && (result === 'failed' || result === 'warned')) {
      this.error(message, file);
    }
  }

  error(message: string, file?: PipelineFile): void {
    const path = file === undefined ? null : pathToText(file.row.destinationPath);
    this.counts.lastError = { at: new Date().toISOString(), path, message };
  }

  /** For the plug-ins that answer outcomes themselves. */
  outcome(file: PipelineFile, outcome: PluginOutcome): void {
    if (outcome.kind === 'passed') {
      this.file(file, outcome.warning === undefined ? 'passed' : 'warned', outcome.warning?.message);
      return;
    }
    const { state, reason } = outcome.change;
    const isFault = state === 'failed' || state === 'quarantined' || state === 'cataloguing';
    this.file(file, isFault ? 'failed' : 'passed', isFault ? (reason ?? state) : undefined);
  }

  view(): PluginCounts {
    return { ...this.counts };
  }
}
