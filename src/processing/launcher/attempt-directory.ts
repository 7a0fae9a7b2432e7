import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { driverCode } from '../../kernel/errors.js';
import type { OutputStream, ProcessOutput } from './launcher.port.js';
import { parseStat } from './process-table.js';

const FENCED = 'fenced\n';

export type StartMarker =
  | { kind: 'absent' }
  /** The station took the claim itself: the command will never run. */
  | { kind: 'fenced' }
  | { kind: 'claimed'; at: Date; pid: number; startTicks: string }
  /** Claimed by a process that did not get to write who it is. */
  | { kind: 'unreadable' };

/** The files through which a process and the station talk across a crash of either. */
export class AttemptDirectory implements ProcessOutput {
  constructor(readonly path: string) {}

  file(name: 'command.sh' | 'started' | 'exit' | OutputStream): string {
    return join(this.path, name);
  }

  async marker(): Promise<StartMarker> {
    const text = await readIfThere(this.file('started'));
    if (text === undefined) {
      return { kind: 'absent' };
    }
    if (text === FENCED) {
      return { kind: 'fenced' };
    }
    const entry = text.endsWith('\n') ? parseStat(text) : undefined;
    if (entry === undefined) {
      return { kind: 'unreadable' };
    }
    const at = (await stat(this.file('started'))).mtime;
    return { kind: 'claimed', at, pid: entry.pid, startTicks: entry.startTicks };
  }

  /** Takes the claim so that no process can. @returns false when one was faster. */
  async fence(): Promise<boolean> {
    try {
      await writeFile(this.file('started'), FENCED, { flag: 'wx' });
      return true;
    } catch (error) {
      if (driverCode(error) === 'EEXIST') {
        return false;
      }
      throw error;
    }
  }

  async exit(): Promise<{ status: number; at: Date } | undefined> {
    const text = await readIfThere(this.file('exit'));
    if (text === undefined || !/^\d+\n$/.test(text)) {
      return undefined;
    }
    return { status: Number(text), at: (await stat(this.file('exit'))).mtime };
  }

  async size(stream: OutputStream): Promise<number> {
    try {
      return (await stat(this.file(stream))).size;
    } catch {
      return 0;
    }
  }

  async tail(stream: OutputStream, bytes: number): Promise<Buffer> {
    if (bytes === 0) {
      return Buffer.alloc(0);
    }
    try {
      const handle = await open(this.file(stream), 'r');
      try {
        const { size } = await handle.stat();
        const length = Math.min(bytes, size);
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
        return buffer.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (driverCode(error) === 'ENOENT') {
        return Buffer.alloc(0);
      }
      throw error;
    }
  }

  /**
   * Cuts both streams to their first `maxBytes`. The process appends, so it goes on undisturbed behind the cut.
   *
   * @returns whether there was anything to cut.
   */
  async boundOutput(maxBytes: number): Promise<boolean> {
    let cut = false;
    for (const stream of ['stdout', 'stderr'] as const) {
      if ((await this.size(stream)) > maxBytes) {
        await truncate(this.file(stream), maxBytes);
        cut = true;
      }
    }
    return cut;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    if (driverCode(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}
