import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { runCli } from '../../src/cli/program.js';
import { ScriptedStation } from './scripted-station.js';

export interface CliRun {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** The `dm` command in this process, as a script would run it (no terminal, a token), against a scripted station. */
export class ScriptedCli {
  private constructor(
    readonly station: ScriptedStation,
    /** Working directory and XDG_CONFIG_HOME of the commands. */
    readonly directory: string,
  ) {}

  static async start(): Promise<ScriptedCli> {
    return new ScriptedCli(await ScriptedStation.start(), await mkdtemp(join(tmpdir(), 'dm-cli-')));
  }

  async run(argv: string[], given: { stdin?: string; environment?: Record<string, string> } = {}): Promise<CliRun> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const exitCode = await runCli(argv, {
      stdin: Readable.from([given.stdin ?? '']),
      stdout,
      stderr,
      environment: {
        DM_URL: this.station.address,
        DM_TOKEN: 'tok',
        XDG_CONFIG_HOME: this.directory,
        ...given.environment,
      },
      workingDirectory: this.directory,
    });
    const textOf = (stream: PassThrough) => String(stream.read() ?? '');
    return { exitCode, stdout: textOf(stdout), stderr: textOf(stderr) };
  }

  async stop(): Promise<void> {
    await this.station.stop();
    await rm(this.directory, { recursive: true });
  }
}
