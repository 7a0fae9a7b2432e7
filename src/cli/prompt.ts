import { createInterface } from 'node:readline/promises';
import { CliExit, EXIT } from './exit-codes.js';
import { canAsk, type CliIo } from './io.js';
import { safeLine } from './safe-text.js';

const INTERRUPT = '\u0003';
const END_OF_INPUT = '\u0004';

/** Asks on stderr, so that stdout stays the result's alone. Only to be called where somebody can answer. */
export async function ask(io: CliIo, question: string): Promise<string> {
  const lines = createInterface({ input: io.stdin, output: io.stderr, terminal: true });
  const gone = new AbortController();
  // A question does not end by itself when its interface is closed under it (Ctrl-C, Ctrl-D).
  lines.once('SIGINT', () => gone.abort());
  lines.once('close', () => gone.abort());
  try {
    return await lines.question(question, { signal: gone.signal });
  } catch {
    io.stderr.write('\n');
    throw interrupted();
  } finally {
    lines.close();
  }
}

/** Asks for a secret: nothing of it is echoed, not even its length. */
export async function askHidden(io: CliIo, question: string): Promise<string> {
  const { stdin, stderr } = io;
  stderr.write(question);
  stdin.setRawMode?.(true);
  stdin.setEncoding('utf8');
  try {
    return await readSecret(stdin);
  } finally {
    stdin.setRawMode?.(false);
    stdin.pause();
    stderr.write('\n');
  }
}

function readSecret(stdin: CliIo['stdin']): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const finish = (settle: () => void) => {
      stdin.off('data', onData);
      settle();
    };
    const onData = (chunk: string) => {
      for (const character of chunk) {
        if (character === '\r' || character === '\n') {
          return finish(() => resolve(typed.join('')));
        } else if (character === INTERRUPT || character === END_OF_INPUT) {
          return finish(() => reject(interrupted()));
        } else if (character === '\u007f' || character === '\b') {
          typed = typed.slice(0, -1);
        } else {
          typed.push(character);
        }
      }
    };
    stdin.on('data', onData);
    stdin.resume();
  });
}

/**
 * Lets a person say yes to something that cannot be undone. `consequence` names it with its counts ("This deletes
 * experiment X with 1,204 files"). A script says `--yes`; without it, it is refused rather than kept waiting.
 */
export async function confirm(io: CliIo, isAgreed: boolean, consequence: string): Promise<void> {
  if (isAgreed) {
    return;
  }
  if (!canAsk(io)) {
    throw notConfirmed(`${consequence} Say --yes to do it without being asked.`);
  }
  const answer = await ask(io, `${safeLine(consequence)} Go on? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw notConfirmed('Nothing was changed.');
  }
}

function notConfirmed(message: string): CliExit {
  return new CliExit(EXIT.notConfirmed, 'NOT_CONFIRMED', message);
}

function interrupted(): CliExit {
  return new CliExit(EXIT.interrupted, 'INTERRUPTED', 'Stopped; nothing was changed.');
}
