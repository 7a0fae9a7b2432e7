import { constants } from 'node:os';

const duties: (() => Promise<void> | void)[] = [];
let tidying: Promise<void> | undefined;
let isStopping = false;

/** Registers what is to be undone at the end, whatever the end is; the last registered is undone first. */
export function atTheEnd(duty: () => Promise<void> | void): void {
  duties.push(duty);
}

/** Whoever calls it, it happens once; all wait for the same end. */
export function tidyUp(): Promise<void> {
  tidying ??= undoAll();
  return tidying;
}

async function undoAll(): Promise<void> {
  for (let duty = duties.pop(); duty !== undefined; duty = duties.pop()) {
    try {
      await duty();
    } catch (error) {
      process.stderr.write(`could not tidy up: ${String(error)}\n`);
    }
  }
}

/** Gigabytes in memory and a database must not stay behind when somebody loses patience, or closes a pipe. */
export function tidyUpOnSuddenEnd(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop(`${signal}: tidying up`, 128 + constants.signals[signal]));
  }
  process.on('uncaughtException', (error) => stop(error.stack ?? error.message, 1));
  // What is lost there is lost; writing about it would only fail again.
  process.stderr.on('error', () => stop('', 1));
}

/** The first reason counts: what breaks while the station is taken away is no news. */
function stop(message: string, exitCode: number): void {
  if (!isStopping) {
    isStopping = true;
    process.stderr.write(`${message}\n`);
    void tidyUp().then(() => process.exit(exitCode));
  }
}

/** Whether somebody has ended the bench: its own failure is a consequence then. */
export function isBeingStopped(): boolean {
  return isStopping;
}
