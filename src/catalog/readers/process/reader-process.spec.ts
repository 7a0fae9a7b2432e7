import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { isProcessAlive } from '../../../platform/process-alive.js';
import type { ReaderReply, ReaderRequest } from './messages.js';
import { ReaderEnded } from './reader-child.js';
import { ReaderProcess, type ReaderProcessOptions } from './reader-process.js';

/** A reader process that does what the name of the file says. */
const SCRIPTED = `
  import { appendFileSync } from 'node:fs';
  const hog = [];
  process.on('disconnect', () => process.exit(0));
  process.on('message', ({ path }) => {
    appendFileSync(process.env.LOG ?? '/dev/null', path);
    if (path === 'hang') { for (;;) {} }
    if (path === 'memory') { for (;;) { hog.push(Buffer.alloc(20e6, 1)); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20); } }
    if (path === 'heap') { for (;;) { hog.push(Array.from({ length: 1e5 }, (_, index) => ({ index }))); } }
    if (path === 'segfault') { process.kill(process.pid, 'SIGSEGV'); return; }
    if (path === 'exit') { process.exit(3); }
    if (path === 'slow') { setTimeout(answer, 300); return; }
    answer();
    function answer() {
      process.send({ kind: 'read', raw: JSON.stringify({ path, pid: process.pid }), complaint: null, isWorn: path === 'worn' });
    }
  });
  process.send({ kind: 'ready' });
`;

const LIMITS = { timeoutMs: 10_000, memoryBytes: 300 * 1_048_576 };

describe(ReaderProcess, () => {
  let directory: string;
  let entry: string;
  const opened: ReaderProcess[] = [];

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'dm-reader-process-'));
    entry = join(directory, 'entry.mjs');
    writeFileSync(entry, SCRIPTED);
  });
  afterEach(() => opened.splice(0).forEach((each) => each.close()));
  afterAll(() => rmSync(directory, { recursive: true }));

  function aProcess(options: Partial<ReaderProcessOptions> = {}): ReaderProcess {
    const made = new ReaderProcess({ idleMs: 60_000, heapMegabytes: 64, entry, ...options });
    opened.push(made);
    return made;
  }
  const read = (path: string): ReaderRequest => ({ kind: 'read', path, format: 'json' });
  const facts = (reply: ReaderReply) => JSON.parse((reply as { raw: string }).raw) as { path: string; pid: number };
  const complaint = (asked: Promise<unknown>) =>
    asked.then(
      () => 'none',
      (error: unknown) => (error instanceof ReaderEnded ? error.message : String(error)),
    );

  it('starts with the first file, answers many at once in turn, and stays', async () => {
    const process = aProcess();
    expect(process.pid).toBeUndefined();
    const names = Array.from({ length: 50 }, (_, index) => `file${index}`);
    const found = await Promise.all(names.map(async (name) => facts(await process.ask(read(name), LIMITS))));
    expect(found.map(({ path }) => path)).toEqual(names);
    expect(new Set(found.map(({ pid }) => pid))).toEqual(new Set([process.pid]));
  });

  it.each([
    ['hang', 'Reading it took longer than the limit of 0.5 s; its reader was ended.'],
    ['memory', 'Reading it took more memory than the limit of 300 MB; its reader was ended.'],
    ['heap', 'Reading it took more memory than the limit of 64 MB; its reader was ended.'],
    ['segfault', 'Its reader ended unexpectedly (SIGSEGV).'],
    ['exit', 'Its reader ended unexpectedly (exit code 3).'],
  ])('"%s" concerns one file only', async (what, words) => {
    const process = aProcess();
    const limits = { ...LIMITS, timeoutMs: what === 'hang' ? 500 : 20_000 };
    const asked = ['before', what, 'after', 'later'].map((name) => process.ask(read(name), limits));
    const [before, during, after, later] = asked as [Promise<ReaderReply>, ...Promise<ReaderReply>[]];
    expect(await complaint(during!)).toBe(words);
    const pids = [await before, await after!, await later!].map((reply) => facts(reply).pid);
    expect(pids[1]).toBe(pids[2]);
    expect(pids[1]).not.toBe(pids[0]);
    await waitFor(() => !isProcessAlive(pids[0]!), { what: 'the end of the old process' });
  });

  it('reads the file again in a fresh process after kill -9 from outside', async () => {
    const reader = aProcess();
    const first = facts(await reader.ask(read('a'), LIMITS)).pid;
    const slow = reader.ask(read('slow'), LIMITS);
    await new Promise((resolve) => setTimeout(resolve, 100));
    process.kill(first, 'SIGKILL');
    const found = facts(await slow);
    expect(found.path).toBe('slow');
    expect(found.pid).not.toBe(first);
  });

  it('is replaced when it is worn', async () => {
    const reader = aProcess();
    const { pid } = facts(await reader.ask(read('worn'), LIMITS));
    expect(facts(await reader.ask(read('a'), LIMITS)).pid).not.toBe(pid);
  });

  it('ends when it is idle, and starts again', async () => {
    const reader = aProcess({ idleMs: 100 });
    const { pid } = facts(await reader.ask(read('a'), LIMITS));
    await waitFor(() => !isProcessAlive(pid), { what: 'its end' });
    expect(facts(await reader.ask(read('b'), LIMITS)).path).toBe('b');
  });

  it('gives a file up when the caller does, also while others wait', async () => {
    const reader = aProcess();
    const abort = new AbortController();
    const asked = [reader.ask(read('hang'), LIMITS, abort.signal), reader.ask(read('never'), LIMITS, abort.signal)];
    const impatient = reader.ask(read('a'), LIMITS, AbortSignal.timeout(100));
    const other = reader.ask(read('other'), LIMITS);
    setTimeout(() => abort.abort(new Error('given up')), 300);
    await expect(impatient).rejects.toThrow('timeout');
    expect(abort.signal.aborted).toBe(false);
    await expect(asked[0]).rejects.toThrow('given up');
    await expect(asked[1]).rejects.toThrow('given up');
    expect(facts(await other).path).toBe('other');
  });

  it('refuses what is asked after it was closed', async () => {
    const reader = aProcess();
    const hanging = reader.ask(read('hang'), LIMITS);
    await waitFor(() => reader.pid !== undefined, { what: 'its start' });
    reader.close();
    await expect(hanging).rejects.toMatchObject({ code: 'READERS_UNAVAILABLE' });
    await expect(reader.ask(read('a'), LIMITS)).rejects.toMatchObject({ code: 'READERS_UNAVAILABLE' });
  });

  it('says that there is no reader when none can be started', async () => {
    const reader = aProcess({ entry: join(directory, 'missing.mjs') });
    await expect(reader.ask(read('a'), LIMITS)).rejects.toMatchObject({
      code: 'READERS_UNAVAILABLE',
      kind: 'unavailable',
    });
  });

  it('ends with its parent, even in the middle of a file, and goes behind it', async () => {
    const file = join(directory, 'long.spec');
    writeFileSync(file, Buffer.concat([Buffer.from('#S 1 ascan\n'), Buffer.alloc(24 * 1_048_576, '\n')]));
    const module = new URL('../../../../dist/src/catalog/readers/process/reader-process.js', import.meta.url).href;
    const program = `
      const { ReaderProcess } = await import(${JSON.stringify(module)});
      const reader = new ReaderProcess({ idleMs: 60000, heapMegabytes: 64 });
      const limits = { timeoutMs: 60000, memoryBytes: 1e9 };
      await reader.ask({ kind: 'detect', path: '/nowhere', name: 'a' }, limits);
      console.log(reader.pid);
      await reader.ask({ kind: 'read', path: ${JSON.stringify(file)}, format: 'spec' }, limits);
      console.log('read');`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    parent.stdout.on('data', (chunk) => (said += String(chunk)));
    const pid = Number(await waitFor(() => /^(\d+)\n/.exec(said)?.[1], { what: 'its process id' }));
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]).toBe('5');
    await new Promise((resolve) => setTimeout(resolve, 500)); // well within the file
    parent.kill('SIGKILL');
    await waitFor(() => !isProcessAlive(pid), { timeoutMs: 3000, what: 'the end of the orphan' });
    expect(said).not.toContain('read');
  });
});
