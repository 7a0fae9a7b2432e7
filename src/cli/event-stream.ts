import { setTimeout as pause } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { StationError } from '../kernel/errors.js';
import type { ApiClient } from './api-client.js';
import type { EventAnswer } from './api-types.js';

export interface EventStreamOptions {
  /** Go on after this event; only new ones when left out. */
  lastEventId?: string | undefined;
  /** Only events of these types; all when left out. */
  types?: readonly string[] | undefined;
  signal?: AbortSignal;
  /** Called when the stream breaks; it is taken up again after a pause, where it broke. */
  onBreak?: (error: unknown) => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** The station's events, for as long as the signal lets it: a broken stream goes on where it broke (Last-Event-ID). */
export async function* eventStream(client: ApiClient, options: EventStreamOptions = {}): AsyncGenerator<EventAnswer> {
  let lastEventId = options.lastEventId;
  let pauseMs = FIRST_PAUSE_MS;
  let hasBegun = false;
  for (;;) {
    try {
      for await (const event of oneConnection(client, lastEventId, options)) {
        lastEventId = event.lastEventId;
        pauseMs = FIRST_PAUSE_MS;
        hasBegun = true;
        yield event.answer;
      }
    } catch (error) {
      if (options.signal?.aborted === true) {
        return;
      }
      const isHopeless = error instanceof StationError && (!error.retryable || !hasBegun);
      if (isHopeless) {
        throw error;
      }
      options.onBreak?.(error);
    }
    hasBegun = true;
    if (!(await pausedFor(pauseMs, options.signal))) {
      return;
    }
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

async function* oneConnection(
  client: ApiClient,
  lastEventId: string | undefined,
  { types, signal }: EventStreamOptions,
): AsyncGenerator<{ lastEventId: string | undefined; answer: EventAnswer }> {
  const headers: Record<string, string> = { accept: 'text/event-stream' };
  if (lastEventId !== undefined) {
    headers['last-event-id'] = lastEventId;
  }
  const body = await client.open('/events', {
    query: { types: types?.join(',') },
    headers,
    ...(signal === undefined ? {} : { signal }),
  });
  const ready: { lastEventId: string | undefined; answer: EventAnswer }[] = [];
  const parser = createParser({
    onEvent: (event) => {
      ready.push({ lastEventId: event.id, answer: JSON.parse(event.data) as EventAnswer });
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* ready.splice(0);
  }
}

/** Whether the pause went by without an end being asked for. */
function pausedFor(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return pause(ms, true, { signal }).catch(() => false);
}
