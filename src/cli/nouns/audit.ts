import { type Command, Option } from 'commander';
import { apiPath } from '../api-client.js';
import type { AuditAnswer } from '../api-types.js';
import { auditEnded } from '../audit-end.js';
import { aboutAudit, AUDIT_COLUMNS, FINDING_COLUMNS } from '../audit-view.js';
import type { CliContext } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { plural } from '../format.js';
import { collect, collectList, parseBytes, parseCount, parseDuration } from '../parse-options.js';
import { safeLine } from '../safe-text.js';

interface StartOptions {
  deep?: boolean;
  byteBudget?: number;
  rate?: number;
  sha256?: boolean;
  repair?: string[];
  dark?: string;
  wait?: boolean;
  timeout?: number;
}

interface RepairOptions {
  kind?: string[];
  finding?: string[];
  dark?: string;
  overrideBreaker?: boolean;
  wait?: boolean;
}

/** Of these a station is not well until somebody has done something. */
const HARMLESS = ['permissions', 'source-changed', 'source-gone'];

/** `dm audit start|list|show|findings|repair|stop`: does storage hold what the ledger says? */
export function registerAudit(program: Command, context: CliContext): void {
  const audit = program.command('audit').description('compare source, ledger, storage and catalog, and repair');

  withDark(audit.command('start').description('look at every file of an experiment').argument('<experiment>'))
    .option('--deep', 'also read the copies again, those verified longest ago first')
    .option('--byte-budget <bytes>', 'read at most so much, such as 50GB; the next one goes on', parseBytes)
    .option('--rate <bytes>', 'read at most so fast, such as 200MB/s', parseBytes)
    .option('--sha256', 'also compute SHA-256 of what is read, for manifests')
    .option('--repair <kinds>', 'repair these at the end, such as missing,changed,document-missing', collectList)
    .option('--wait', 'wait for its end; exit 20 if anything is wrong')
    .option('--timeout <duration>', 'end the wait (not the audit) after so long', parseDuration)
    .action((experiment: string, options: StartOptions) => start(context, experiment, options));

  withDark(audit.command('repair').description('repair what it found').argument('<id>'))
    .option('--kind <kinds>', 'only these; default: all that need no decision', collectList)
    .option('--finding <id>', 'only this one; may be repeated', collect)
    .option('--override-breaker', 'also when so much is bad that the storage itself is suspect')
    .option('--no-wait', 'do not wait until they are done')
    .action((id: string, options: RepairOptions) => repair(context, id, options));

  audit
    .command('stop')
    .description('end it; what it has found stays')
    .argument('<id>')
    .action(async (id: string) => {
      const answer = await (await context.client()).post<AuditAnswer>(apiPath`/audits/${id}/stop`);
      context.print(answer, () => `Audit ${safeLine(id)} is ${safeLine(answer.status)}.`);
    });

  registerLooks(audit, context);
}

function registerLooks(audit: Command, context: CliContext): void {
  audit
    .command('list')
    .description('newest first')
    .option('-e, --experiment <name>')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async ({ limit, ...query }: { experiment?: string; limit?: number }) => {
      const none = 'No audit yet: dm audit start EXPERIMENT.';
      await context.printList(await context.client(), '/audits', { query, limit, columns: AUDIT_COLUMNS, none });
    });

  audit
    .command('show')
    .description('how far it is, and what it has found so far')
    .argument('<id>')
    .action(async (id: string) => {
      const found = await (await context.client()).get<AuditAnswer>(apiPath`/audits/${id}`);
      context.print(found, () => aboutAudit(found));
    });

  audit
    .command('findings')
    .description('what it found: path, what is the matter, what can be done')
    .argument('<id>')
    .option('--kind <kinds>', 'only these, such as missing,changed')
    .addOption(
      new Option('--repair <state>', 'only those that are').choices([
        'open',
        'requested',
        'repaired',
        'obsolete',
        'failed',
      ]),
    )
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async (id: string, { limit, ...query }: { kind?: string; repair?: string; limit?: number }) => {
      await context.printList(await context.client(), apiPath`/audits/${id}/findings`, {
        query,
        limit,
        columns: FINDING_COLUMNS,
        none: 'No finding matches.',
      });
    });
}

function withDark(command: Command): Command {
  return command.addOption(
    new Option('--dark <what>', 'files that nobody knows: into the ledger as they are, or out of the way').choices([
      'adopt',
      'trash',
    ]),
  );
}

async function start(context: CliContext, experiment: string, options: StartOptions): Promise<void> {
  const client = await context.client();
  const started = await client.post<AuditAnswer>('/audits', {
    experiment,
    deep: options.deep,
    byteBudget: options.byteBudget,
    bytesPerSecond: options.rate,
    sha256: options.sha256,
    repair: options.repair,
    dark: options.dark,
  });
  if (options.wait !== true) {
    context.print(
      started,
      () => `Audit ${started.id} of ${safeLine(experiment)} has begun: dm audit show ${started.id}`,
    );
    return;
  }
  showResult(context, await auditEnded(client, started.id, options.timeout));
}

async function repair(context: CliContext, id: string, options: RepairOptions): Promise<void> {
  const client = await context.client();
  const { requested } = await client.post<{ requested: number }>(apiPath`/audits/${id}/repairs`, {
    kinds: options.kind,
    findings: options.finding,
    dark: options.dark,
    overrideBreaker: options.overrideBreaker,
  });
  if (options.wait === false) {
    context.print({ requested }, () => `${plural(requested, 'repair')} asked for: dm audit show ${safeLine(id)}`);
    return;
  }
  showResult(context, await auditEnded(client, id));
}

function showResult(context: CliContext, audit: AuditAnswer): void {
  context.print(audit, () => aboutAudit(audit));
  const wrong = Object.entries(audit.findings).reduce(
    (sum, [kind, count]) => sum + (HARMLESS.includes(kind) ? 0 : count),
    0,
  );
  if (audit.status !== 'done' || wrong > audit.repairs.repaired + audit.repairs.obsolete) {
    context.exitCode = EXIT.workFailed;
  }
}
