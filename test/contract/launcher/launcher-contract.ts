import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  Launcher,
  ProcessLimits,
  ProcessReference,
  RunningProcess,
} from '../../../src/processing/launcher/launcher.port.js';
import { isRunning } from '../../support/process-tree.js';
import { waitFor } from '../../support/wait-for.js';

const LIMITS: ProcessLimits = { timeSeconds: 60, maxOutputBytes: 1_000_000, stopGraceSeconds: 0.3 };

/** What every launcher must do, whatever runs the processes. `create` answers a launcher as after a restart of the station. */
export function launcherContract(name: string, create: () => Launcher): void {
  describe(`Launcher contract: ${name}`, () => {
    let root: string;
    let launcher: Launcher;
    let number = 0;
    const started: RunningProcess[] = [];

    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), 'dm-launcher-'));
      mkdirSync(join(root, 'work'));
      launcher = create();
    });
    afterEach(async () => {
      await Promise.all(started.splice(0).map((process) => process.stop()));
      rmSync(root, { recursive: true, force: true });
    });

    async function start(
      script: string | Buffer,
      limits: Partial<ProcessLimits> = {},
      environment: Record<string, string> = {},
    ) {
      const reference = await launcher.prepare(join(root, `attempt-${(number += 1)}`));
      const process = await launch(reference, script, limits, environment);
      return { reference, process };
    }

    async function launch(
      reference: ProcessReference,
      script: string | Buffer,
      limits: Partial<ProcessLimits> = {},
      environment: Record<string, string> = {},
    ): Promise<RunningProcess> {
      const process = await launcher.launch(reference, {
        script: Buffer.from(script),
        shell: '/bin/sh',
        workDirectory: join(root, 'work'),
        environment: { PATH: '/usr/bin:/bin', ...environment },
        limits: { ...LIMITS, ...limits },
      });
      started.push(process);
      return process;
    }

    async function text(reference: ProcessReference, stream: 'stdout' | 'stderr'): Promise<string> {
      return (await launcher.output(reference).tail(stream, 100_000)).toString();
    }

    it('reports exit status, both outputs and times', async () => {
      const before = Date.now();
      const { reference, process } = await start('echo out; echo err >&2; exit 3');
      const outcome = await process.finished();
      expect(outcome).toMatchObject({ ending: 'exited', exitStatus: 3, isTruncated: false });
      expect([await text(reference, 'stdout'), await text(reference, 'stderr')]).toEqual(['out\n', 'err\n']);
      expect(outcome.endedAt.getTime()).toBeGreaterThan(before - 1000);
    });

    it('reports a command that a signal ended as the shell does', async () => {
      const { process } = await start('kill -9 $$');
      expect(await process.finished()).toMatchObject({ ending: 'exited', exitStatus: 137 });
    });

    it('gives the command its environment and directory, and nothing of the station', async () => {
      const { reference, process } = await start(
        'pwd; env | cut -d= -f1 | sort | tr "\\n" " "',
        {},
        { DM_JOB_ID: 'j1' },
      );
      await process.finished();
      expect(await text(reference, 'stdout')).toBe(`${join(root, 'work')}\nDM_ATTEMPT_DIRECTORY DM_JOB_ID PATH PWD `);
    });

    it('hands over a script byte for byte', async () => {
      const { reference, process } = await start(
        Buffer.concat([Buffer.from("printf %s '"), Buffer.of(0xff, 0x81, 0x0a), Buffer.from("' | od -An -tx1")]),
      );
      await process.finished();
      expect(await text(reference, 'stdout')).toBe(' ff 81 0a\n');
    });

    it('cuts endless output to its limit without disturbing the command', async () => {
      const { reference, process } = await start(
        'head -c 3000000 /dev/zero; sleep 0.5; head -c 3000000 /dev/zero; echo done >&2',
        { maxOutputBytes: 10_000 },
      );
      expect(await process.finished()).toMatchObject({ ending: 'exited', exitStatus: 0, isTruncated: true });
      expect(await launcher.output(reference).size('stdout')).toBe(10_000);
      expect(await text(reference, 'stderr')).toBe('done\n');
    });

    it('ends a process that takes longer than it may', async () => {
      const { process } = await start('sleep 600', { timeSeconds: 0.3 });
      expect(await process.finished()).toMatchObject({ ending: 'time-limit' });
    });

    it('stops a whole tree, members that ignore TERM or left the group included', async () => {
      const mark = `6${Date.now()}`;
      const { process } = await start(`
        trap '' TERM
        sleep ${mark} & (sleep ${mark} & sleep ${mark}) &
        setsid sh -c "trap '' TERM; sleep ${mark}; sleep ${mark}" &
        touch ready; wait`);
      await waitFor(() => existsSync(join(root, 'work', 'ready')) && sleepers(mark).length >= 4);
      await process.stop();
      expect(sleepers(mark)).toEqual([]);
      expect(await process.finished()).toMatchObject({ ending: 'stopped' });
    });

    it('leaves nothing behind that a command started in the background', async () => {
      const mark = `7${Date.now()}`;
      const { process } = await start(`sleep ${mark} & echo started`);
      expect(await process.finished()).toMatchObject({ ending: 'exited', exitStatus: 0 });
      expect(sleepers(mark)).toEqual([]);
    });

    it('says when a directory is taken, and when a process cannot be launched', async () => {
      const reference = await launcher.prepare(join(root, 'attempt-x'));
      await expect(launcher.prepare(reference.directory)).rejects.toThrow();
      rmSync(join(root, 'work'), { recursive: true });
      await expect(launch(reference, 'true')).rejects.toMatchObject({ code: 'PROCESS_NOT_LAUNCHED' });
    });

    describe('after a restart of the station', () => {
      it('adopts a process that still runs, with its output and exit status', async () => {
        const { reference, process } = await start('echo one; until [ -e go ]; do sleep 0.05; done; echo two; exit 4');
        await waitFor(() => existsSync(join(reference.directory, 'started')));
        process.release();
        launcher = create();
        const again = await launcher.reattach(JSON.parse(JSON.stringify(reference)) as ProcessReference, LIMITS);
        expect(again.state).toBe('running');
        writeFileSync(join(root, 'work', 'go'), '');
        const outcome = again.state === 'running' ? await again.process.finished() : undefined;
        expect(outcome).toMatchObject({ ending: 'exited', exitStatus: 4 });
        expect(await text(reference, 'stdout')).toBe('one\ntwo\n');
      });

      it('stops a process that it adopted', async () => {
        const mark = `8${Date.now()}`;
        const { reference, process } = await start(`sleep ${mark} & sleep ${mark}`);
        await waitFor(() => sleepers(mark).length === 2);
        process.release();
        launcher = create();
        const again = await launcher.reattach(reference, LIMITS);
        if (again.state !== 'running') {
          throw new Error(`not adopted: ${again.state}`);
        }
        await again.process.stop();
        expect(sleepers(mark)).toEqual([]);
        expect(await again.process.finished()).toMatchObject({ ending: 'stopped' });
      });

      it('reads what a process left that ended meanwhile', async () => {
        const { reference, process } = await start('echo late; exit 5');
        process.release();
        await waitFor(
          () => existsSync(join(reference.directory, 'exit')) && statSync(join(reference.directory, 'exit')).size > 0,
        );
        launcher = create();
        expect(await launcher.reattach(reference, LIMITS)).toMatchObject({
          state: 'ended',
          outcome: { ending: 'exited', exitStatus: 5 },
        });
        expect(await text(reference, 'stdout')).toBe('late\n');
      });

      it('knows a process that was never launched, and keeps it from ever beginning', async () => {
        const reference = await launcher.prepare(join(root, 'attempt-never'));
        expect(await launcher.reattach(reference, LIMITS)).toEqual({ state: 'never-begun' });
        expect(await launcher.reattach(reference, LIMITS)).toEqual({ state: 'never-begun' });
        const late = await launch(reference, 'touch ran');
        await late.finished();
        expect(existsSync(join(root, 'work', 'ran'))).toBe(false);
      });

      it('calls a process lost that began, is gone, and left no exit status', async () => {
        const { reference, process } = await start('echo $PPID > pid; sleep 600');
        await waitFor(() => existsSync(join(root, 'work', 'pid')) && statSync(join(root, 'work', 'pid')).size > 0);
        process.release();
        const group = Number(readFileSync(join(root, 'work', 'pid'), 'utf8'));
        globalThis.process.kill(-group, 'SIGKILL');
        await waitFor(() => !isRunning(group));
        launcher = create();
        expect(await launcher.reattach(reference, LIMITS)).toMatchObject({ state: 'lost' });
      });

      it('calls a process lost whose directory has vanished', async () => {
        const reference = await launcher.prepare(join(root, 'attempt-gone'));
        rmSync(reference.directory, { recursive: true });
        expect(await launcher.reattach(reference, LIMITS)).toMatchObject({
          state: 'lost',
          reason: expect.stringContaining('vanished'),
        });
      });

      it('does not take another process with the same pid for its own', async () => {
        const { reference, process } = await start('sleep 600');
        await waitFor(
          () =>
            existsSync(join(reference.directory, 'started')) && statSync(join(reference.directory, 'started')).size > 0,
        );
        await process.stop();
        const self = readFileSync('/proc/self/stat', 'latin1');
        writeFileSync(
          join(reference.directory, 'started'),
          self.replace(/(\) .*)/s, (rest) => rest.replace(/ \d+/g, ' 7')),
        );
        rmSync(join(reference.directory, 'exit'), { force: true });
        expect(await create().reattach(reference, LIMITS)).toMatchObject({ state: 'lost' });
      });
    });
  });
}

/** Live processes `sleep <seconds>`. */
function sleepers(seconds: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1') === `sleep\0${seconds}\0`;
    } catch {
      return false;
    }
  });
}
