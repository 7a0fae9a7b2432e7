import type { Command } from 'commander';
import { apiPath } from '../api-client.js';
import type { LedgerActionAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { CliExit, EXIT, usageError } from '../exit-codes.js';
import { fileName } from '../file-path.js';
import { safeLine } from '../safe-text.js';

interface ReleaseOptions {
  experiment?: string;
  accept?: boolean;
  skip?: string;
}

const PATH_HELP = 'relative to the directory of the experiment, such as data/a.h5, or absolute in storage';

/** `dm file retry|release`: what a person does about one file that failed or is in quarantine. */
export function registerLedgerActions(file: Command, context: CliContext): void {
  file
    .command('retry')
    .description('try a file that failed again at once')
    .argument('<path>', PATH_HELP)
    .option('-e, --experiment <name>', 'the experiment (or DM_EXPERIMENT)')
    .action((path: string, options: ReleaseOptions) => act(context, path, options, { action: 'retry' }));

  file
    .command('release')
    .description('try a file in quarantine again, take it as the next version, or leave it out')
    .argument('<path>', PATH_HELP)
    .option('-e, --experiment <name>', 'the experiment (or DM_EXPERIMENT)')
    .option('--accept', 'another source stood for this name: make its content the next version')
    .option('--skip <reason>', 'leave the file out; the reason is kept')
    .action((path: string, options: ReleaseOptions) => {
      if (options.accept === true && options.skip !== undefined) {
        throw usageError('Say either --accept or --skip.');
      }
      const body =
        options.skip !== undefined
          ? { action: 'skip', reason: options.skip }
          : { action: options.accept === true ? 'accept' : 'release' };
      return act(context, path, options, body);
    });
}

async function act(
  context: CliContext,
  path: string,
  options: ReleaseOptions,
  body: { action: string; reason?: string },
): Promise<void> {
  const client = await context.client();
  const name = await fileName(context, client, path, options.experiment);
  const answer = await client.post<LedgerActionAnswer>(apiPath`/experiments/${name.experiment}/ledger/actions`, {
    ...body,
    paths: [name.path],
  });
  const [left] = answer.left;
  if (left !== undefined) {
    throw new CliExit(EXIT.conflict, 'FILE_LEFT', `${safeLine(left.path)} is ${left.state}: ${safeLine(left.reason)}`);
  }
  const said =
    body.action === 'skip' ? 'is left out' : body.action === 'accept' ? 'becomes a version' : 'is tried again';
  context.print(answer, () => `${safeLine(name.path)} ${said}.`);
}
