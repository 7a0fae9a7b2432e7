import { setTimeout as pause } from 'node:timers/promises';
import { StationError } from '../kernel/errors.js';
import { CliExit, EXIT } from './exit-codes.js';

export interface WaitOptions<State> {
  read: () => Promise<State>;
  isFinished: (state: State) => boolean;
  onState?: (state: State) => void;
  /** Called once when the station stops answering; the wait goes on. */
  onOutage?: (error: StationError) => void;
  /** Seconds after which the wait (not the work) ends. Default: never. */
  timeoutSeconds?: number | undefined;
  signal?: AbortSignal | undefined;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;
/** A restart of the station, migrations included, takes well below this; the work goes on from the ledger after it. */
const LONGEST_OUTAGE_MS = 120_000;

/**
 * Waits until work on the station has ended. Short work is noticed at once, long work costs one request a second, and an
 * outage of the station is sat out, since its work survives one.
 * @throws CliExit when the time is over, StationError when the station stays away.
 */
export async function waitUntilFinished<State>(options: WaitOptions<State>): Promise<State> {
  const deadline = options.timeoutSeconds === undefined ? Infinity : Date.now() + options.timeoutSeconds * 1000;
  let pauseMs = FIRST_PAUSE_MS;
  let silentSince: number | undefined;
  for (;;) {
    const state = await readOnce(options.read);
    if (state.error !== undefined) {
      if (silentSince === undefined) {
        options.onOutage?.(state.error);
      }
      silentSince ??= Date.now();
      if (Date.now() - silentSince > LONGEST_OUTAGE_MS) {
        throw state.error;
      }
    } else {
      silentSince = undefined;
      options.onState?.(state.value);
      if (options.isFinished(state.value)) {
        return state.value;
      }
    }
    if (Date.now() >= deadline) {
      throw new CliExit(EXIT.timeout, 'WAIT_TIMEOUT', 'Not finished within the given time; the work itself goes on.');
    }
    await pause(Math.min(pauseMs, Math.max(0, deadline - Date.now())), undefined, { signal: options.signal });
    pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
  }
}

async function readOnce<State>(
  read: () => Promise<State>,
): Promise<{ value: State; error?: undefined } | { error: StationError }> {
  try {
    return { value: await read() };
  } catch (error) {
    if (error instanceof StationError && error.retryable) {
      return { error };
    }
    throw error;
  }
}
