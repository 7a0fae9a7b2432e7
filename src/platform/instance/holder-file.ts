import { readlinkSync } from 'node:fs';
import { open, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { InstanceFacts } from './instance-facts.js';

const BEAT_EVERY_MS = 2_000;
/** Several beats, and longer than network file systems keep a file's times in their caches. */
const SILENCE_MS = 8_000;

interface Holder extends InstanceFacts {
  /** Within one place the socket decides; the file speaks to other machines and containers that share the disk. */
  place: string;
}

/**
 * `<data directory>/station.json`: who holds the data directory, for people to read, and for stations on another
 * machine (or in another container) that share the disk but cannot see our socket. They tell by its beat whether we live.
 */
export class HolderFile {
  readonly path: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(dataDirectory: string) {
    this.path = join(dataDirectory, 'station.json');
  }

  async read(): Promise<Holder | undefined> {
    try {
      return JSON.parse(await readFile(this.path, 'utf8')) as Holder;
    } catch {
      return undefined;
    }
  }

  /** The holder, when it is in another place and its file still beats; takes some seconds only where one is named. */
  async livingHolderElsewhere(): Promise<InstanceFacts | undefined> {
    const holder = await this.read();
    if (holder === undefined || holder.place === ownPlace()) {
      return undefined;
    }
    const first = await this.#modifiedAt();
    const deadline = Date.now() + SILENCE_MS;
    while (Date.now() < deadline) {
      await pause(250);
      const now = await this.#modifiedAt();
      if (now === undefined) {
        return undefined;
      }
      if (now !== first) {
        return this.read();
      }
    }
    return undefined;
  }

  async write(facts: InstanceFacts): Promise<void> {
    const temporary = `${this.path}.${process.pid}`;
    const holder: Holder = { ...facts, place: ownPlace() };
    await writeFile(temporary, `${JSON.stringify(holder, undefined, 2)}\n`, { mode: 0o644 });
    await rename(temporary, this.path);
    this.#timer ??= setInterval(() => void this.#beat(), BEAT_EVERY_MS).unref();
  }

  async remove(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await rm(this.path, { force: true });
  }

  async #beat(): Promise<void> {
    const now = new Date();
    // A full or vanished disk is noticed, and told, by those who need it for more than this.
    await utimes(this.path, now, now).catch(() => undefined);
  }

  /** Opened first: only that makes NFS ask its server. */
  async #modifiedAt(): Promise<number | undefined> {
    try {
      const file = await open(this.path, 'r');
      try {
        return (await file.stat()).mtimeMs;
      } finally {
        await file.close();
      }
    } catch {
      return undefined;
    }
  }
}

/** The machine and the network namespace within which our socket is seen. */
function ownPlace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/net')}`;
  } catch {
    return hostname();
  }
}
