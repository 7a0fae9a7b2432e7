import type { Response } from 'express';
import type { EventLog, EventStore, StationEvent } from '../platform/events/index.js';

const BATCH = 200;
/** A line now and then keeps proxies from cutting a quiet stream, and finds out that the reader has gone. */
const HEARTBEAT_MS = 15_000;

export interface StreamScope {
  afterId: number;
  types?: readonly string[];
  /** Asked before each batch: rights may change while a stream is open. Throws when the reader may read no more. */
  visible: () => Promise<'all' | readonly number[]>;
}

/** Writes the event feed to one reader as server-sent events; waits for a slow reader instead of piling up. */
export class EventStream {
  private readonly ended = new AbortController();

  constructor(
    private readonly log: EventLog,
    private readonly store: EventStore,
    private readonly response: Response,
  ) {
    response.once('close', () => this.ended.abort());
  }

  async run(scope: StreamScope): Promise<void> {
    this.response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    });
    this.response.write(`retry: 2000\n: the feed from event ${scope.afterId} on\n\n`);
    let cursor = scope.afterId;
    while (!this.ended.signal.aborted) {
      const grown = this.nextGrowth();
      const visible = await scope.visible();
      const head = await this.store.latestId();
      const events = await this.store.read({
        afterId: cursor,
        limit: BATCH,
        ...(scope.types === undefined ? {} : { types: scope.types }),
        ...(visible === 'all' ? {} : { experimentIds: visible }),
      });
      for (const event of events) {
        await this.write(textOf(event));
        cursor = event.id;
      }
      if (events.length < BATCH) {
        // What this reader may not see need not be looked through again.
        cursor = Math.max(cursor, head);
        if ((await grown) === 'quiet') {
          await this.write(': still here\n\n');
        }
      }
    }
  }

  private nextGrowth(): Promise<'grown' | 'quiet' | 'ended'> {
    return new Promise((resolve) => {
      const finish = (why: 'grown' | 'quiet' | 'ended') => {
        clearTimeout(timer);
        forget();
        this.ended.signal.removeEventListener('abort', onEnd);
        resolve(why);
      };
      const onEnd = () => finish('ended');
      const timer = setTimeout(() => finish('quiet'), HEARTBEAT_MS);
      const forget = this.log.onGrowth(() => finish('grown'));
      this.ended.signal.addEventListener('abort', onEnd);
    });
  }

  private async write(text: string): Promise<void> {
    if (this.ended.signal.aborted || this.response.write(text)) {
      return;
    }
    await new Promise<void>((resolve) => {
      this.response.once('drain', resolve);
      this.response.once('close', resolve);
    });
  }
}

function textOf(event: StationEvent): string {
  const data = {
    id: event.id,
    at: event.at.toISOString(),
    type: event.type,
    experimentId: event.experimentId,
    subject: event.subject,
    data: event.data,
  };
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
