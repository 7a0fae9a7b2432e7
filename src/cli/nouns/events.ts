import type { Command } from 'commander';
import type { CliContext } from '../context.js';
import { eventStream } from '../event-stream.js';
import { formatTime } from '../format.js';
import { messageOf } from '../../kernel/errors.js';
import { collect, parseCount } from '../parse-options.js';
import { safeLine } from '../safe-text.js';

interface FollowOptions {
  type?: string[];
  since?: string;
  count?: number;
}

const SHOWN_CHARACTERS = 200;

/** `dm events`: what happens at the station, as it happens. */
export function registerEvents(program: Command, context: CliContext): void {
  program
    .command('events')
    .description('follow what happens at the station; ends with Ctrl-C')
    .option('--type <type>', 'only these, such as files.done, or all of a kind: job.*; may be repeated', collect)
    .option('--since <id>', 'begin after this event (0: with the oldest that is kept) instead of now')
    .option('--count <n>', 'end after so many', parseCount)
    .action((options: FollowOptions) => follow(context, options));
}

async function follow(context: CliContext, options: FollowOptions): Promise<void> {
  const client = await context.client();
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  let shown = 0;
  try {
    const events = eventStream(client, {
      lastEventId: options.since,
      types: exactTypes(options.type),
      signal: interrupt.signal,
      onBreak: (error) => context.remark(`The stream broke (${safeLine(messageOf(error))}); trying again.`),
    });
    for await (const event of events) {
      if (!isWanted(event.type, options.type)) {
        continue;
      }
      context.printElement(event, () =>
        [formatTime(event.at), event.id, event.type, event.subject, shortened(event.data)].map(safeLine).join('  '),
      );
      shown += 1;
      if (shown === options.count) {
        break;
      }
    }
  } finally {
    process.off('SIGINT', onInterrupt);
    interrupt.abort();
  }
}

/** A batch names thousands of rows; people read on with `--json`. */
function shortened(data: unknown): string {
  const text = JSON.stringify(data);
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)} …`;
}

export function isWanted(type: string, wanted: readonly string[] | undefined): boolean {
  return (
    wanted === undefined ||
    wanted.some((pattern) => (pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern))
  );
}

/** What the station can select by itself: it knows types, not kinds. */
function exactTypes(wanted: readonly string[] | undefined): readonly string[] | undefined {
  return wanted?.some((pattern) => pattern.endsWith('.*')) === true ? undefined : wanted;
}
