import { spawn } from 'node:child_process';
import { StationError } from '../../kernel/errors.js';
import { collect } from './collect.js';
import { type ScriptChild, ScriptProcess } from './script-process.js';
import type { Field, Shell, ShellAnswer } from './shell.port.js';

/** The scripts on this very machine. */
export class LocalShell implements Shell {
  readonly place = 'this machine';
  private readonly children = new Set<ScriptChild>();

  run(script: string, fields: readonly Field[]): Promise<ShellAnswer> {
    return collect((complaints) => this.stream(script, fields, complaints));
  }

  async *stream(
    script: string,
    fields: readonly Field[],
    onComplaints: (text: string) => void = () => undefined,
    signal?: AbortSignal,
  ): AsyncGenerator<Buffer[], void, void> {
    const child = spawn('bash', ['--noprofile', '--norc', '-s'], { stdio: ['pipe', 'pipe', 'pipe'], signal });
    this.children.add(child);
    try {
      const process = new ScriptProcess(child, script, fields);
      yield* process.portions();
      const end = await process.end();
      if (!end.isWhole) {
        throw new StationError(
          'unavailable',
          'LOCAL_SCRIPT_FAILED',
          `A script of the station ended early on this machine (exit ${end.exitCode ?? 'by a signal'}): ${end.complaints.trim() || 'it said nothing'}. bash and coreutils must be installed.`,
        );
      }
      onComplaints(end.complaints);
    } finally {
      this.children.delete(child);
    }
  }

  close(): Promise<void> {
    this.children.forEach((child) => child.kill('SIGTERM'));
    return Promise.resolve();
  }
}
