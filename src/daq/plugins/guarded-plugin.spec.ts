import { Registry } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import { aPipelineFile } from '../../../test/support/pipeline-file.js';
import { GuardedPlugin } from './guarded-plugin.js';
import { PluginLanes } from './plugin-lanes.js';
import { PluginMetrics } from './plugin.metrics.js';
import { PluginRecord } from './plugin-record.js';
import type { PluginSettings } from './plugin-settings.js';
import type { FileVerdict, PluginStep } from './plugin-step.js';

const passed: FileVerdict = { kind: 'passed' };
const fault: FileVerdict = { kind: 'fault', code: 'BAD', message: 'bad header' };
const down: FileVerdict = { ...fault, isSystemic: true };
const never = () => new Promise<never>(() => undefined);

function setUp(process: PluginStep['process'], given: Partial<PluginSettings> & Partial<PluginStep> = {}) {
  const { form = 'file', wantsOneByOne, ...settings } = given;
  const clock = { ms: 1_000_000 };
  const record = new PluginRecord('p', new PluginMetrics(new Registry()));
  const recorder = { record: vi.fn().mockResolvedValue(new Map()) };
  const lanes = new PluginLanes(1);
  const plugin = new GuardedPlugin(
    { name: 'p', form, process, ...(wantsOneByOne === undefined ? {} : { wantsOneByOne }) },
    { enabled: true, order: 250, timeoutSeconds: 0.05, onError: 'fail', concurrency: 1, options: {}, ...settings },
    { lanes, recorder, record, maxAttempts: 2, graceMs: 20, now: () => clock.ms },
  );
  return { plugin, record, recorder, lanes, clock };
}

describe(GuardedPlugin.name, () => {
  it('answers one outcome for each file, in order, whatever the form', async () => {
    for (const form of ['file', 'batch'] as const) {
      const sizes: number[] = [];
      const { plugin } = setUp(
        (files) => {
          sizes.push(files.length);
          return Promise.resolve(files.map((file) => (file.row.destinationPath.includes('b') ? fault : passed)));
        },
        { form, concurrency: 2 },
      );
      const files = ['a', 'b', 'c'].map((name) => aPipelineFile(name));
      const outcomes = await plugin.process(files);
      expect(outcomes.map(({ kind, ledgerId }) => [kind, ledgerId])).toEqual(
        files.map((file, at) => [at === 1 ? 'stopped' : 'passed', file.row.id]),
      );
      expect(sizes).toEqual(form === 'file' ? [1, 1, 1] : [3]);
    }
  });

  it('a call that never returns is given up, and only its file is hit', async () => {
    const { plugin } = setUp(([file]) =>
      file?.row.destinationPath.includes('stuck') ? never() : Promise.resolve([passed]),
    );
    const outcomes = await plugin.process([aPipelineFile('stuck'), aPipelineFile('fine')]);
    expect(outcomes).toMatchObject([
      { kind: 'stopped', change: { state: 'cataloguing', reasonCode: 'PLUGIN_TIMEOUT', attempts: 1 } },
      { kind: 'passed' },
    ]);
  });

  it('aborts the signal of a call that it gives up', async () => {
    let seen: AbortSignal | undefined;
    const { plugin } = setUp((_files, signal) => {
      seen = signal;
      return never();
    });
    await plugin.process([aPipelineFile('a')]);
    expect(seen?.aborted).toBe(true);
  });

  it('lets a step say by itself how a call ended whose time was over', async () => {
    const { plugin } = setUp(
      (_files, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve([{ kind: 'waits', reason: 'who was it?', dueInSeconds: 1 }]));
        }),
    );
    expect(await plugin.process([aPipelineFile('a')])).toMatchObject([
      { kind: 'stopped', change: { reasonCode: 'PLUGIN_BUSY', reason: 'Plug-in p: who was it?' } },
    ]);
  });

  it.each([
    ['fail', 0, { kind: 'stopped', change: { state: 'cataloguing', attempts: 1, reason: 'Plug-in p: bad header' } }],
    ['fail', 1, { kind: 'stopped', change: { state: 'quarantined', attempts: 2, reasonCode: 'BAD' } }],
    ['warn', 7, { kind: 'passed', warning: { code: 'BAD', message: 'Plug-in p: bad header' } }],
    ['retry', 7, { kind: 'stopped', change: { state: 'cataloguing', reasonCode: 'BAD' } }],
  ] as const)('with onError %s after %i attempts', async (onError, attempts, expected) => {
    const { plugin } = setUp(() => Promise.resolve([fault]), { onError });
    const [outcome] = await plugin.process([aPipelineFile('a', { row: { attempts } })]);
    expect(outcome).toMatchObject(expected);
    if (onError === 'retry') {
      expect(outcome).not.toHaveProperty('change.attempts');
    }
  });

  it.each([
    [0, 1],
    [10, 5],
    [86_400, 60],
  ])('onError retry waits half of the %i s since the copy, within bounds: %i s', async (age, expected) => {
    const { plugin, clock } = setUp(() => Promise.resolve([fault]), { onError: 'retry' });
    const transferredAt = new Date(clock.ms - age * 1000);
    const [outcome] = await plugin.process([aPipelineFile('a', { row: { transferredAt } })]);
    expect(outcome).toMatchObject({ change: { dueInSeconds: expected } });
  });

  it('leaves a plug-in alone that does not answer, and tries again after a while', async () => {
    const process = vi.fn<PluginStep['process']>().mockResolvedValue([down]);
    const { plugin, clock } = setUp(process, { onError: 'retry' });
    const files = Array.from({ length: 6 }, (_, at) => aPipelineFile(`f${at}`));
    await plugin.process(files);
    expect(process).toHaveBeenCalledTimes(3);
    expect(plugin.restsUntil?.getTime()).toBe(clock.ms + 5000);
    expect(await plugin.process(files.slice(0, 1))).toMatchObject([
      { kind: 'stopped', change: { state: 'cataloguing', reasonCode: 'PLUGIN_BUSY' } },
    ]);
    expect(process).toHaveBeenCalledTimes(3);

    clock.ms += 5001;
    process.mockResolvedValue([passed]);
    expect(await plugin.process(files.slice(0, 1))).toMatchObject([{ kind: 'passed' }]);
    expect(plugin.restsUntil).toBeNull();
  });

  it('a file does not wait for a resting plug-in whose errors only warn', async () => {
    const { plugin } = setUp(() => Promise.resolve([down]), { onError: 'warn' });
    const outcomes = await plugin.process(Array.from({ length: 5 }, (_, at) => aPipelineFile(`f${at}`)));
    expect(outcomes.map((outcome) => outcome.kind === 'passed' && outcome.warning?.code)).toEqual([
      ...['BAD', 'BAD', 'BAD'],
      ...['PLUGIN_AT_REST', 'PLUGIN_AT_REST'],
    ]);
  });

  it('lets files come again when all lanes are taken, without a call', async () => {
    const process = vi.fn<PluginStep['process']>().mockResolvedValue([passed]);
    const { plugin, lanes } = setUp(process);
    expect(await lanes.enter(0)).toBe(true);
    expect(await plugin.process([aPipelineFile('a', { row: { attempts: 1 } })])).toMatchObject([
      { kind: 'stopped', change: { state: 'cataloguing', dueInSeconds: 2 } },
    ]);
    expect(process).not.toHaveBeenCalled();
    lanes.leave();
    expect(await plugin.process([aPipelineFile('a')])).toMatchObject([{ kind: 'passed' }]);
  });

  it('gives the lane back after a while; the files that were not begun come again', async () => {
    const { plugin, clock } = setUp(() => {
      clock.ms += 15_000;
      return Promise.resolve([passed]);
    });
    const outcomes = await plugin.process(['a', 'b', 'c', 'd'].map((name) => aPipelineFile(name)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['passed', 'passed', 'stopped', 'stopped']);
    expect(outcomes[2]).not.toHaveProperty('change.attempts');
  });

  it('never runs more calls at once than allowed, over all batches', async () => {
    let running = 0;
    let most = 0;
    const { plugin } = setUp(
      async () => {
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setTimeout(resolve, 2));
        running -= 1;
        return [passed];
      },
      { concurrency: 3 },
    );
    const batch = () => Array.from({ length: 10 }, (_, at) => aPipelineFile(`f${at}`));
    await Promise.all([plugin.process(batch()), plugin.process(batch())]);
    expect(most).toBe(3);
  });

  it('records what the plug-in found out; a document that is refused is the fault of its file', async () => {
    const { plugin, recorder } = setUp(() => Promise.resolve([{ ...passed, metadata: { a: 1 } }]));
    const [one, two] = [aPipelineFile('one'), aPipelineFile('two')];
    recorder.record.mockResolvedValue(new Map([[two.row.id, { code: 'TOO_LARGE', message: 'too large' }]]));
    expect(await plugin.process([one, two])).toMatchObject([
      { kind: 'passed' },
      { kind: 'stopped', change: { reasonCode: 'TOO_LARGE' } },
    ]);
    expect(recorder.record.mock.calls[0]?.[0]).toHaveLength(2);
  });

  it('refuses metadata before the catalog knows the file', async () => {
    const { plugin } = setUp(() => Promise.resolve([{ ...passed, metadata: { a: 1 } }]), { order: 150 });
    expect(await plugin.process([aPipelineFile('a')])).toMatchObject([
      { kind: 'stopped', change: { reasonCode: 'PLUGIN_METADATA_TOO_EARLY' } },
    ]);
  });

  it('counts what happened and remembers the last error', async () => {
    const { plugin, record } = setUp(([file]) =>
      Promise.resolve([file?.row.destinationPath.includes('bad') ? fault : passed]),
    );
    await plugin.process([aPipelineFile('fine'), aPipelineFile('bad'), aPipelineFile('fine too')]);
    expect(record.view()).toMatchObject({
      calls: 3,
      passed: 2,
      failed: 1,
      lastError: { path: 'bad', message: 'Plug-in p: bad header' },
    });
  });
});
