import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aPipelineFile } from '../../../../test/support/pipeline-file.js';
import type { PluginStep } from '../plugin-step.js';
import { WEBHOOK, Webhook } from './webhook.js';

const SECRET = 'a secret that nobody may see';

interface Seen {
  headers: IncomingMessage['headers'];
  body: string;
}

describe(Webhook.name, () => {
  let folder: string;
  let server: Server;
  let seen: Seen[];
  let respond: (response: ServerResponse) => void;
  let base: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dm-webhook-'));
    writeFileSync(join(folder, 'secret'), `${SECRET}\n`);
    seen = [];
    respond = (response) => response.writeHead(204).end();
    server = createServer((request, response) => {
      void text(request).then((body) => {
        seen.push({ headers: request.headers, body });
        respond(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  async function aWebhook(url: string, webhooks: Record<string, unknown> = {}): Promise<PluginStep> {
    const config = {
      station: { name: '99IDZ' },
      daq: { webhooks: { allow: [`${base}/`], networks: [], secretFile: join(folder, 'secret'), ...webhooks } },
    };
    return WEBHOOK.make(
      { enabled: true, order: 400, timeoutSeconds: 1, onError: 'retry', concurrency: 1, options: { url } },
      { config } as never,
    );
  }

  const inTime = () => AbortSignal.timeout(2000);

  it('tells of a batch in one signed call that the receiver can check', async () => {
    const webhook = await aWebhook(`${base}/dm`);
    const files = [aPipelineFile('data/a.h5'), aPipelineFile(Buffer.of(0x64, 0xff))];
    expect(await webhook.process(files, inTime())).toEqual([{ kind: 'passed' }, { kind: 'passed' }]);
    const [call] = seen;
    expect(seen).toHaveLength(1);
    expect(JSON.parse(call!.body)).toMatchObject({
      type: 'files.stored',
      station: '99IDZ',
      experiment: 'exp',
      files: [
        { id: files[0]?.row.catalogId, path: 'data/a.h5', absolutePath: '/storage/exp/data/a.h5', version: 1 },
        { path: 'd\\xff' },
      ],
    });
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = call!.headers;
    const expected = createHmac('sha256', SECRET)
      .update(`${String(id)}.${String(at)}.${call!.body}`)
      .digest('base64');
    expect(signature).toBe(`v1,${expected}`);
    expect(Math.abs(Number(at) - Date.now() / 1000)).toBeLessThan(5);
    expect(JSON.stringify(call)).not.toContain(SECRET);
  });

  it('sends the same batch again under the same id, another under another', async () => {
    const webhook = await aWebhook(`${base}/dm`);
    const files = [aPipelineFile('a'), aPipelineFile('b')];
    await webhook.process(files, inTime());
    await webhook.process([...files].reverse(), inTime());
    await webhook.process(files.slice(0, 1), inTime());
    const ids = seen.map(({ headers }) => headers['webhook-id']);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it.each([
    [500, 'WEBHOOK_REFUSED', true, 'answered 500: out of order'],
    [429, 'WEBHOOK_REFUSED', true, 'answered 429'],
    [400, 'WEBHOOK_REFUSED', false, 'answered 400: out of order'],
  ])('takes %i for a fault', async (status, code, isSystemic, words) => {
    respond = (response) => response.writeHead(status).end('out of order');
    const [verdict] = await (await aWebhook(`${base}/dm`)).process([aPipelineFile('a')], inTime());
    expect(verdict).toMatchObject({ kind: 'fault', code, isSystemic, message: expect.stringContaining(words) });
  });

  it('follows no redirect', async () => {
    respond = (response) => response.writeHead(307, { location: `${base}/elsewhere` }).end();
    const [verdict] = await (await aWebhook(`${base}/dm`)).process([aPipelineFile('a')], inTime());
    expect(verdict).toMatchObject({
      kind: 'fault',
      message: expect.stringContaining('redirect, which is not followed'),
    });
    expect(seen).toHaveLength(1);
  });

  it('is given up when the receiver never answers, or is gone', async () => {
    respond = () => undefined;
    const webhook = await aWebhook(`${base}/dm`);
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('no answer within 1 s')), 100);
    expect(await webhook.process([aPipelineFile('a')], abort.signal)).toMatchObject([
      { kind: 'fault', code: 'WEBHOOK_UNREACHABLE', isSystemic: true, message: expect.stringContaining('within 1 s') },
    ]);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await webhook.process([aPipelineFile('a')], inTime())).toMatchObject([
      { kind: 'fault', code: 'WEBHOOK_UNREACHABLE', isSystemic: true },
    ]);
    server.listen(0);
  });

  it.each([
    ['another host', 'http://127.0.0.2:1/dm', {}],
    ['another port', 'http://127.0.0.1:1/dm', {}],
    ['a path beside the listed one', 'BASE/dm-evil', { allow: ['BASE/dm'] }],
    ['a way out of the listed path', 'BASE/dm/../admin', { allow: ['BASE/dm/'] }],
    ['a password in it', 'http://user:word@127.0.0.1:PORT/dm', {}],
  ])('does not start with a target that has %s', async (_what, url, webhooks: { allow?: string[] }) => {
    const place = (part: string) => part.replace('BASE', base).replace('PORT', new URL(base).port);
    const allow = webhooks.allow?.map(place);
    await expect(aWebhook(place(url), allow === undefined ? {} : { allow })).rejects.toMatchObject({
      code: 'WEBHOOK_NOT_ALLOWED',
    });
  });

  it('calls this machine by name when just that is listed', async () => {
    const url = `http://localhost:${new URL(base).port}/dm`;
    const webhook = await aWebhook(url, { allow: [url] });
    expect(await webhook.process([aPipelineFile('a')], inTime())).toEqual([{ kind: 'passed' }]);
  });

  it('a name may lead into a listed network', async () => {
    const { AllowedTargets } = await import('./allowed-targets.js');
    const answers = (networks: string[]) =>
      new Promise<string>((resolve) => {
        const targets = new AllowedTargets({ allow: [], networks });
        targets.lookupFor(new URL('http://hooks.example.org/'))('localhost', { family: 4 }, (error, address) =>
          resolve(error === null ? (address as string) : error.message),
        );
      });
    expect(await answers([])).toContain('127.0.0.1, which is private');
    expect(await answers(['127.0.0.0/8'])).toBe('127.0.0.1');
  });

  it.each([
    ['short', 'at least 16 bytes'],
    [undefined, 'cannot be read'],
  ])('refuses a secret that is %s', async (content, reason) => {
    const file = join(folder, 'other');
    if (content !== undefined) {
      writeFileSync(file, content);
    }
    await expect(aWebhook(`${base}/dm`, { secretFile: file })).rejects.toThrow(reason);
  });
});
