import { setTimeout as pause } from 'node:timers/promises';

export interface WaitOptions {
  /** Milliseconds until it is a failure; generous, since it is only waited out when something is broken. */
  timeoutMs?: number;
  /** Milliseconds between looks. */
  everyMs?: number;
  /** What is waited for, for the failure's message: `the file to be cataloged`. */
  what?: string;
}

/**
 * Looks until `condition` gives something other than `undefined`, `null` and `false`, and gives that. Errors that it
 * throws count as "not yet"; the last one is told if the time runs out.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<T, undefined | null | false>> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await condition();
      if (found !== undefined && found !== null && found !== false) {
        return found as Exclude<T, undefined | null | false>;
      }
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      const what = options.what ?? 'the condition';
      throw new Error(`Waited ${timeoutMs} ms in vain for ${what}.`, last === undefined ? undefined : { cause: last });
    }
    await pause(options.everyMs ?? 25);
  }
}
