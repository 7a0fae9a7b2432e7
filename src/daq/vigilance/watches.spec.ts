import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { BacklogWatch } from './backlog-watch.js';
import { DiskSpaceProbe, parseDf } from './disk-space.js';
import { DiskWatch, type WatchedDirectory } from './disk-watch.js';
import type { RunningAcquisition } from './open-work.js';
import { FULL, PlaceWatch, READ_ONLY } from './place-watch.js';
import { PluginWatch } from './plugin-watch.js';
import { SilenceWatch } from './silence-watch.js';
import { StuckWatch } from './stuck-watch.js';

const START = Date.parse('2026-03-01T03:00:00Z');
const at = (seconds: number) => START + seconds * 1000;

function anAcquisition(given: Partial<RunningAcquisition> = {}): RunningAcquisition {
  return {
    id: 'a1',
    kind: 'monitor',
    experimentId: 7,
    experiment: 'exp',
    sourceHost: hostname(),
    sourceDirectory: Buffer.from('/data/det'),
    silenceAlarmSeconds: null,
    startedAt: new Date(START),
    lastSeenAt: null,
    ...given,
  };
}

describe(SilenceWatch.name, () => {
  const look = async (acquisition: Partial<RunningAcquisition>, seconds: number, defaultSeconds?: number) => {
    const watch = new SilenceWatch({ running: async () => [anAcquisition(acquisition)] }, defaultSeconds);
    return watch.look(at(seconds));
  };

  it('calls when nothing came for the time that was asked for, and not before', async () => {
    expect(await look({ silenceAlarmSeconds: 60 }, 60)).toEqual([]);
    expect(await look({ silenceAlarmSeconds: 60 }, 61)).toMatchObject([
      {
        key: 'daq.nothing-arrives:a1',
        experimentId: 7,
        message:
          'No file has come to /data/det for experiment exp for over 60 s: none since the start at 2026-03-01T03:00:00.000Z.',
      },
    ]);
  });

  it('counts from the last file that came', async () => {
    const lastSeenAt = new Date(at(100));
    expect(await look({ silenceAlarmSeconds: 60, lastSeenAt }, 150)).toEqual([]);
    expect(await look({ silenceAlarmSeconds: 60, lastSeenAt }, 161)).toHaveLength(1);
  });

  it.each([
    ['a monitor without a limit, with no default', { kind: 'monitor' }, undefined, 0],
    ['a monitor without a limit, with a default', { kind: 'monitor' }, 60, 1],
    ['a monitor that said never', { kind: 'monitor', silenceAlarmSeconds: 0 }, 60, 0],
    ['an upload with a default', { kind: 'upload' }, 60, 0],
    ['an upload with a limit of its own', { kind: 'upload', silenceAlarmSeconds: 60 }, undefined, 1],
  ] as const)('%s', async (_what, acquisition, defaultSeconds, alarms) => {
    expect(await look(acquisition, 3600, defaultSeconds)).toHaveLength(alarms);
  });
});

describe(StuckWatch.name, () => {
  function aWatch() {
    const state = { wait: null as number | null, steps: 0, bytesInWork: 0n };
    return { state, watch: new StuckWatch({ longestWait: async () => state.wait }, state, 300) };
  }

  it('calls when work waits and nothing moves, and not while anything does', async () => {
    const { state, watch } = aWatch();
    state.wait = 1000;
    expect(await watch.look(at(0))).toEqual([]);
    state.steps = 5;
    expect(await watch.look(at(299))).toEqual([]);
    expect(await watch.look(at(590))).toEqual([]);
    expect(await watch.look(at(600))).toMatchObject([{ key: 'daq.not-draining', severity: 'critical' }]);
    state.steps = 6;
    expect(await watch.look(at(601))).toEqual([]);
  });

  it('is quiet when nothing waits, or only since a moment', async () => {
    const { state, watch } = aWatch();
    await watch.look(at(0));
    expect(await watch.look(at(10_000))).toEqual([]);
    state.wait = 20;
    expect(await watch.look(at(10_001))).toEqual([]);
  });

  it('gives large files their time', async () => {
    const { state, watch } = aWatch();
    state.wait = 1000;
    state.bytesInWork = 1_000_000_000_000n; // a terabyte: 100,000 s at the slowest pace
    await watch.look(at(0));
    expect(await watch.look(at(50_000))).toEqual([]);
    expect(await watch.look(at(101_000))).toHaveLength(1);
  });
});

describe(BacklogWatch.name, () => {
  function aWatch(leastFiles = 100) {
    const state = { files: 0, bytes: 0, running: [anAcquisition()] };
    const work = {
      running: async () => state.running,
      backlogs: async () => [{ acquisitionId: 'a1', files: state.files, bytes: state.bytes }],
    };
    const probe = { ask: async () => ({ freeBytes: 3_600_000_000, mount: '/' }) };
    return { state, watch: new BacklogWatch(work, probe, 600, leastFiles) };
  }

  it('calls when the backlog has grown all along, with the time until the source is full, and stops when it shrinks', async () => {
    const { state, watch } = aWatch();
    for (let seconds = 0; seconds < 600; seconds += 30) {
      state.files = 10 * seconds;
      state.bytes = 1_000_000 * seconds;
      expect(await watch.look(at(seconds)), `after ${seconds} s`).toEqual([]);
    }
    state.files = 6000;
    state.bytes = 600_000_000;
    const [alarm] = await watch.look(at(600));
    expect(alarm).toMatchObject({ key: 'daq.backlog-grows:a1', experimentId: 7, severity: 'critical' });
    expect(alarm?.message).toContain('grown by 6000 files (600 MB) to 6000 files (600 MB)');
    expect(alarm?.message).toContain('full in about 60 min'); // 3.6 GB at 1 MB/s

    for (let seconds = 630; seconds <= 1200; seconds += 30) {
      state.files -= 250;
      state.bytes -= 25_000_000;
      await watch.look(at(seconds));
    }
    expect(await watch.look(at(1230))).toEqual([]);
  });

  it('takes a backlog of a few files, or a level one, for normal', async () => {
    for (const [least, files] of [
      [100, (seconds: number) => seconds / 60],
      [100, () => 5000],
    ] as const) {
      const { state, watch } = aWatch(least);
      for (let seconds = 0; seconds <= 900; seconds += 30) {
        state.files = files(seconds);
        expect(await watch.look(at(seconds))).toEqual([]);
      }
    }
  });

  it('forgets an acquisition that is over', async () => {
    const { state, watch } = aWatch();
    for (let seconds = 0; seconds <= 630; seconds += 30) {
      state.files = 1000 + seconds;
      await watch.look(at(seconds));
    }
    expect(await watch.look(at(660))).toHaveLength(1);
    state.running = [];
    expect(await watch.look(at(690))).toEqual([]);
  });
});

describe(DiskWatch.name, () => {
  const directory: WatchedDirectory = {
    path: Buffer.from('/store'),
    what: 'the storage area',
    reserveBytes: 1_000_000_000,
    action: 'Free some space.',
  };

  function aWatch(directories: WatchedDirectory[] = [directory]) {
    const state = { freeBytes: 100e9, mount: '/store' as string | undefined };
    const probe = {
      ask: async () => (state.mount === undefined ? undefined : { freeBytes: state.freeBytes, mount: state.mount }),
    };
    const watch = new DiskWatch(probe, async () => directories, { fullWithinSeconds: 3600, paceSeconds: 600 });
    return { state, watch };
  }

  it('calls when the disk will be full soon at its pace, and stops when that is over', async () => {
    const { state, watch } = aWatch();
    state.freeBytes = 31e9;
    for (let seconds = 0; seconds < 600; seconds += 60) {
      expect(await watch.look(at(seconds))).toEqual([]);
      state.freeBytes -= 1e9; // a gigabyte a minute, 20 are left above the reserve after these
    }
    const [alarm] = await watch.look(at(600));
    expect(alarm).toMatchObject({
      key: 'storage.disk-filling:/store',
      severity: 'warning',
      action: 'Free some space.',
    });
    expect(alarm?.message).toContain('full in about 20 min at its present pace: 21.0 GB are free');
    for (let seconds = 660; seconds < 1300; seconds += 60) {
      await watch.look(at(seconds));
    }
    expect(await watch.look(at(1320))).toEqual([]);
  });

  it('calls at once when only the reserve is left', async () => {
    const { state, watch } = aWatch();
    state.freeBytes = 0.9e9;
    expect(await watch.look(at(0))).toMatchObject([{ severity: 'critical', details: { fullInSeconds: 0 } }]);
  });

  it('does not take a read-only source for a full one', async () => {
    const { state, watch } = aWatch([{ ...directory, reserveBytes: 0 }]);
    state.freeBytes = 0;
    expect(await watch.look(at(0))).toEqual([]);
    state.freeBytes = 5;
    expect(await watch.look(at(60))).toEqual([]);
    state.freeBytes = 0;
    expect(await watch.look(at(120))).toHaveLength(1);
  });

  it('says once what shares a disk, and nothing of a disk that does not answer', async () => {
    const source = { ...directory, what: 'the source /data/det', action: 'Remove what is done.' };
    const { state, watch } = aWatch([directory, source]);
    state.freeBytes = 0;
    const alarms = await watch.look(at(0));
    expect(alarms).toHaveLength(1);
    expect(alarms[0]?.message).toContain('the storage area and the source /data/det');
    expect(alarms[0]?.action).toBe('Free some space. Remove what is done.');
    state.mount = undefined;
    expect(await watch.look(at(60))).toEqual([]);
  });
});

describe(PlaceWatch.name, () => {
  function aWatch(trouble = FULL) {
    const state = { waiting: { files: 0, bytes: 0, largest: 0 }, codes: [] as readonly string[] };
    const work = {
      waitingFor: async (codes: readonly string[]) => {
        state.codes = codes;
        return state.waiting;
      },
    };
    const area = { root: '/store', freeBytes: async () => 2e9 };
    return { state, watch: new PlaceWatch(trouble, work, area, 5e8) };
  }

  it('calls while files wait for room, with how much that is', async () => {
    const { state, watch } = aWatch();
    expect(await watch.look()).toEqual([]);
    expect(state.codes).toContain('STORAGE_FULL');
    state.waiting = { files: 3, bytes: 6e9, largest: 4e9 };
    expect(await watch.look()).toMatchObject([
      {
        key: 'storage.full',
        severity: 'critical',
        message:
          '3 files (6.00 GB, the largest 4.00 GB) wait for room in the storage area /store: 2.00 GB are free, of which 500 MB stay reserved.',
        details: { files: 3, bytes: 6e9, freeBytes: 2e9 },
      },
    ]);
  });

  it('is not over while the last file is just tried again', async () => {
    const { state, watch } = aWatch();
    state.waiting = { files: 1, bytes: 1, largest: 1 };
    const said = await watch.look();
    state.waiting = { files: 0, bytes: 0, largest: 0 };
    expect(await watch.look()).toEqual(said);
    expect(await watch.look()).toEqual([]);
  });

  it('tells a read-only storage area from a full one', async () => {
    const { state, watch } = aWatch(READ_ONLY);
    state.waiting = { files: 1, bytes: 1000, largest: 1000 };
    expect(await watch.look()).toMatchObject([
      { key: 'storage.read-only', message: '1 file (1.00 kB) waits since the storage area /store is read-only.' },
    ]);
    expect(state.codes).toEqual(['EROFS']);
  });
});

describe(DiskSpaceProbe.name, () => {
  it('reads what df says', async () => {
    const space = await new DiskSpaceProbe().ask(Buffer.from('/'));
    expect(space?.mount).toBe('/');
    expect(space?.freeBytes).toBeGreaterThan(0);
  });

  it('answers nothing of a directory that is not there', async () => {
    expect(await new DiskSpaceProbe().ask(Buffer.from('/nowhere/at all'))).toBeUndefined();
  });

  it('reads mount points and devices with spaces', () => {
    const output = 'Filesystem 1024-blocks Used Available Capacity Mounted on\nmy share 100 40 60 40% /mnt/my disk\n';
    expect(parseDf(output)).toEqual({ freeBytes: 61_440, mount: '/mnt/my disk' });
    expect(parseDf('df: no file systems processed')).toBeUndefined();
  });
});

describe(PluginWatch.name, () => {
  it('says what a silent plug-in means for files', async () => {
    const failing = [{ name: 'webhook', onError: 'retry' as const, sinceMs: START, message: 'ECONNREFUSED' }];
    expect(await new PluginWatch({ failing: () => failing }).look()).toMatchObject([
      {
        key: 'daq.plugin-silent:webhook',
        message:
          'Plug-in webhook has not answered since 2026-03-01T03:00:00.000Z. Files that are due for it wait, verified and in storage.',
        action: expect.stringContaining('ECONNREFUSED'),
      },
    ]);
  });
});
