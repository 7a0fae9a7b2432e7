import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, StationError } from '../../kernel/errors.js';
import { AttemptDirectory, type StartMarker } from './attempt-directory.js';
import type {
  Launcher,
  LaunchOrder,
  ProcessLimits,
  ProcessReference,
  Reattachment,
  RunningProcess,
} from './launcher.port.js';
import { bootId, processEntry } from './process-table.js';
import { ATTEMPT_VARIABLE, STAGE_WRAPPER } from './stage-wrapper.js';
import { WatchedProcess } from './watched-process.js';

/** How long a process may take from claiming its attempt to having written who it is. */
const CLAIM_WRITE_MS = 1000;

/** Runs stages as processes of this machine, under the station's own account. Linux: it reads `/proc`. */
export class LocalLauncher implements Launcher {
  readonly name = 'local';

  async prepare(directory: string): Promise<ProcessReference> {
    await mkdir(dirname(directory), { recursive: true });
    await mkdir(directory);
    return { launcher: this.name, directory, bootId: await bootId() };
  }

  async launch(reference: ProcessReference, order: LaunchOrder): Promise<RunningProcess> {
    const directory = new AttemptDirectory(reference.directory);
    try {
      await writeFile(directory.file('command.sh'), order.script, { mode: 0o600 });
      const launchedAt = new Date();
      const child = await this.spawn(directory, order);
      const pid = child.pid;
      if (pid === undefined) {
        throw new Error('the process got no pid');
      }
      return new WatchedProcess(directory, { pid }, order.limits, launchedAt, child).watch();
    } catch (error) {
      throw new StationError(
        'internal',
        'PROCESS_NOT_LAUNCHED',
        `The process could not be started: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }

  async reattach(reference: ProcessReference, limits: ProcessLimits): Promise<Reattachment> {
    const directory = new AttemptDirectory(reference.directory);
    if (!(await exists(reference.directory))) {
      return { state: 'lost', reason: `its directory ${reference.directory} has vanished` };
    }
    const marker = await this.settledMarker(directory);
    switch (marker.kind) {
      case 'fenced':
        return { state: 'never-begun' };
      case 'absent':
        return this.fenceOff(directory, reference, limits);
      case 'unreadable':
        return { state: 'lost', reason: 'it claimed its start and then did not say who it is (was the disk full?)' };
      case 'claimed':
        return this.reattachClaimed(directory, marker, limits);
    }
  }

  output(reference: ProcessReference): AttemptDirectory {
    return new AttemptDirectory(reference.directory);
  }

  private async fenceOff(
    directory: AttemptDirectory,
    reference: ProcessReference,
    limits: ProcessLimits,
  ): Promise<Reattachment> {
    if (reference.bootId !== (await bootId())) {
      return { state: 'lost', reason: 'the machine was restarted while it was being started' };
    }
    return (await directory.fence()) ? { state: 'never-begun' } : this.reattach(reference, limits);
  }

  private async reattachClaimed(
    directory: AttemptDirectory,
    marker: StartMarker & { kind: 'claimed' },
    limits: ProcessLimits,
  ): Promise<Reattachment> {
    const entry = await processEntry(marker.pid);
    const process = new WatchedProcess(directory, marker, limits, marker.at);
    if (entry?.startTicks === marker.startTicks) {
      return { state: 'running', process: process.watch() };
    }
    // Dead before this look at its exit status, so what is not there now will never be.
    const outcome = process.watch().finished();
    const ended = await outcome;
    return ended.ending === 'lost'
      ? { state: 'lost', reason: 'it began, is no longer running, and left no exit status' }
      : { state: 'ended', outcome: ended };
  }

  private async settledMarker(directory: AttemptDirectory): Promise<StartMarker> {
    const deadline = Date.now() + CLAIM_WRITE_MS;
    for (;;) {
      const marker = await directory.marker();
      if (marker.kind !== 'unreadable' || Date.now() > deadline) {
        return marker;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  private async spawn(directory: AttemptDirectory, order: LaunchOrder): Promise<ChildProcess> {
    const streams: FileHandle[] = [];
    try {
      for (const stream of ['stdout', 'stderr'] as const) {
        // Append mode: the station cuts the file to its limit while the process writes.
        streams.push(await open(directory.file(stream), 'ax', 0o600));
      }
      const child = spawn('/bin/sh', ['-c', STAGE_WRAPPER, 'dm-stage', directory.path, order.shell], {
        cwd: order.workDirectory,
        env: { ...order.environment, [ATTEMPT_VARIABLE]: directory.path },
        detached: true,
        stdio: ['ignore', ...streams.map((stream) => stream.fd)],
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      return child;
    } finally {
      await Promise.all(streams.map((stream) => stream.close()));
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
