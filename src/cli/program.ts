import { Command } from 'commander';
import { CliContext, type GlobalOptions } from './context.js';
import type { ExitCode } from './exit-codes.js';
import type { CliIo } from './io.js';
import { registerAcquisition } from './nouns/acquisition.js';
import { registerAlarm } from './nouns/alarm.js';
import { registerDestination } from './nouns/destination.js';
import { registerAudit } from './nouns/audit.js';
import { registerDaq } from './nouns/daq.js';
import { registerEvents } from './nouns/events.js';
import { registerExperiment } from './nouns/experiment.js';
import { registerFile } from './nouns/file.js';
import { registerJob } from './nouns/job.js';
import { registerPlugin } from './nouns/plugin.js';
import { registerReader } from './nouns/reader.js';
import { registerSession } from './nouns/session.js';
import { registerStation } from './nouns/station.js';
import { registerStats } from './nouns/stats.js';
import { registerToken } from './nouns/token.js';
import { registerUpload } from './nouns/upload.js';
import { registerUser } from './nouns/user.js';
import { registerWorkflow } from './nouns/workflow.js';
import { VERSION } from '../version.js';
import { reportError } from './report-error.js';

const NOUNS = [
  registerSession,
  registerStation,
  registerUser,
  registerToken,
  registerExperiment,
  registerUpload,
  registerDaq,
  registerAudit,
  registerAcquisition,
  registerFile,
  registerStats,
  registerWorkflow,
  registerJob,
  registerPlugin,
  registerReader,
  registerAlarm,
  registerDestination,
  registerEvents,
];

const AFTER_HELP = `
Environment:
  DM_URL         address of the station (default http://127.0.0.1:22236)
  DM_TOKEN       token that scripts act with, instead of a login
  DM_EXPERIMENT  experiment where --experiment is left out

Exit codes:
  0 done            3 not valid        6 not found         9 took too long    20 files or a job failed
  1 internal error  4 not logged in    7 conflict         10 too many         21 not confirmed
  2 wrong usage     5 not allowed      8 not available    11 too large       130 interrupted`;

/** Runs one command line (without program names) and answers its exit code. Never throws. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  const program = new Command('dm');
  const context = new CliContext(io, () => program.opts<GlobalOptions>());
  // Looked for by hand, since a wrong command line ends before it is parsed.
  const isJson = argv.includes('--json');
  describeProgram(program, io, isJson);
  for (const register of NOUNS) {
    register(program, context);
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return context.exitCode;
  } catch (error) {
    return reportError(error, io, isJson);
  }
}

function describeProgram(program: Command, io: CliIo, isJson: boolean): void {
  program
    .description('The data of your beamline: bring it home, find it, process it, know where it is.')
    .version(VERSION, '-V, --version', 'show the version of this program')
    .option('--url <address>', 'address of the station')
    .option('--json', 'machine-readable results: one JSON document, or one a line where results stream')
    .option('-y, --yes', 'do not ask before what cannot be undone')
    .addHelpText('after', AFTER_HELP)
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => (isJson ? undefined : write(`dm: ${text}`)),
    })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError(isJson ? false : '(--help shows how it is used)')
    .exitOverride();
}
