import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { problem, ScriptedStation } from '../../test/support/scripted-station.js';
import { ApiClient } from './api-client.js';
import { eventStream } from './event-stream.js';
import { streamLines } from './stream-lines.js';

const sse = (id: number) =>
  `id: ${id}\ndata: ${JSON.stringify({ id, type: 'files.done', at: '', subject: null, data: {} })}\n\n`;

describe(eventStream, () => {
  let station: ScriptedStation;
  let client: ApiClient;

  beforeEach(async () => {
    station = await ScriptedStation.start();
    client = new ApiClient({ address: station.address, token: 'tok' });
  });
  afterEach(() => station.stop());

  it('goes on after the last event it has seen when the stream breaks', async () => {
    station.on('GET /api/v1/events', ({ headers }, response) => {
      const next = Number(headers['last-event-id'] ?? 6) + 1;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(sse(next), () => response.write(sse(next + 1).slice(0, 9), () => response.destroy()));
      return undefined;
    });
    const ids: number[] = [];
    for await (const event of eventStream(client)) {
      ids.push(event.id);
      if (ids.length === 3) {
        break;
      }
    }
    expect(ids).toEqual([7, 8, 9]);
    expect(station.requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '7', '8']);
  });

  it('ends with the error when the station refuses', async () => {
    station.on('GET /api/v1/events', problem(403, 'FORBIDDEN', 'Not yours.'));
    await expect(eventStream(client).next()).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('ends quietly when it is told to', async () => {
    station.on('GET /api/v1/events', (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(sse(1));
      return undefined;
    });
    const controller = new AbortController();
    const stream = eventStream(client, { signal: controller.signal });
    expect((await stream.next()).value).toMatchObject({ id: 1 });
    controller.abort();
    expect(await stream.next()).toMatchObject({ done: true });
  });
});

describe(streamLines, () => {
  it('joins what chunks have torn, characters included', async () => {
    const bytes = new TextEncoder().encode('{"a":"é"}\n\n{"b":1}\nlast');
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) {
          controller.enqueue(Uint8Array.of(byte));
        }
        controller.close();
      },
    });
    const lines: string[] = [];
    for await (const line of streamLines(body)) {
      lines.push(line);
    }
    expect(lines).toEqual(['{"a":"é"}', '{"b":1}', 'last']);
  });
});
