import { appendFileSync, lstatSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { randomBytesOf, randomNumbers } from '../bench/pieces/random.ts';

const TICK_MS = 100;
const FILES_OF_AN_UPLOAD = 150;
const FILES_OF_A_SCAN = 100;
/** Begins the names of uploads from another machine. */
export const FAR_PREFIX = 'far-';
/** Every third directory of uploads lies there. */
const FAR_UPLOADS = 3;
/** An upload that becomes due at once: frames enough for many calls, and a stack that takes its time. */
const SUDDEN_UPLOAD = { frames: 40, stackBytes: 24 * 2 ** 20 };
const MIB = 2 ** 20;

/** How a file that was there before gets its new content. */
export type Rewrite = 'in place' | 'appended' | 'replaced';
export const REWRITES: readonly Rewrite[] = ['in place', 'appended', 'replaced'];

/**
 * Writes files as detectors do: straight to their names, in pieces with pauses, or beside and renamed; some again later.
 * One part goes to a directory that a monitor watches, the other to directories that are uploaded once they are full.
 */
export class Detector {
  /** Directories below `uploads` that are complete; see {@link isFar}. */
  readonly fullUploads: string[] = [];
  written = 0;
  readonly rewritten = new Set<string>();
  readonly monitored: string;
  readonly uploads: string;
  private readonly root: string;
  private readonly random: () => number;
  private readonly content: (length: number) => Buffer;
  private readonly filesPerSecond: number;
  private readonly hasFarHost: boolean;
  private readonly slowOnes = new Set<Promise<void>>();
  private readonly mayRewrite: string[] = [];
  private isOn = false;
  private running: Promise<void> = Promise.resolve();
  private inUpload = 0;
  private nextUpload = 1;
  private suddenUploads = 1;
  private inMonitor = 0;

  constructor(root: string, seed: number, filesPerSecond: number, hasFarHost: boolean) {
    this.root = root;
    this.monitored = join(root, 'monitored');
    this.uploads = join(root, 'uploads');
    this.random = randomNumbers(seed ^ 0x5eed);
    this.content = randomBytesOf(`chaos ${seed}`);
    this.filesPerSecond = filesPerSecond;
    this.hasFarHost = hasFarHost;
    [this.monitored, this.uploads, join(root, 'aside')].forEach((path) => mkdirSync(path, { recursive: true }));
  }

  start(): void {
    this.isOn = true;
    this.running = this.run();
  }

  /** All files have got their last byte when this is over, and the last upload directory is complete. */
  async stop(): Promise<void> {
    this.isOn = false;
    await this.running;
    await Promise.all(this.slowOnes);
    this.finishUpload();
  }

  /** Gives a file other content, never one that it had before. */
  rewrite(path: string, how: Rewrite): void {
    const { size } = lstatSync(path);
    if (how === 'appended') {
      appendFileSync(path, this.content(1 + Math.floor(this.random() * 5000)));
    } else if (how === 'in place') {
      writeFileSync(path, this.content(size), { flag: 'r+' });
    } else {
      const beside = join(this.root, 'aside', 'replacement');
      writeFileSync(beside, this.content(size));
      renameSync(beside, path);
    }
    this.rewritten.add(path);
  }

  /** One large file for the monitor, beyond the usual rate. */
  writeStack(bytes: number): void {
    const path = this.nextMonitored();
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, this.content(bytes));
    this.written += 1;
  }

  /** A directory of the other machine that is complete at once, beyond the usual rate. */
  writeFarUpload(): void {
    const name = `${FAR_PREFIX}sudden-${String(this.suddenUploads++).padStart(4, '0')}`;
    const directory = join(this.uploads, name);
    mkdirSync(directory);
    for (let index = 0; index < SUDDEN_UPLOAD.frames; index += 1) {
      writeFileSync(join(directory, `image ${index}.h5`), this.content(this.frameSize()));
    }
    writeFileSync(join(directory, 'stack.h5'), this.content(SUDDEN_UPLOAD.stackBytes));
    this.written += SUDDEN_UPLOAD.frames + 1;
    this.fullUploads.push(name);
  }

  private async run(): Promise<void> {
    const startedAt = performance.now();
    let due = 0;
    for (let files = 0; this.isOn;) {
      due = ((performance.now() - startedAt) / 1000) * this.filesPerSecond;
      // A machine that was busy is not to be flooded afterwards.
      for (let burst = 0; files < due && burst < this.filesPerSecond; burst += 1, files += 1) {
        this.writeOne();
      }
      files = Math.max(files, Math.floor(due) - 1);
      await pause(TICK_MS);
    }
  }

  private writeOne(): void {
    const isForMonitor = this.random() < 0.6;
    const path = isForMonitor ? this.nextMonitored() : this.nextOfUpload();
    mkdirSync(dirname(path), { recursive: true });
    const content = this.content(this.nextSize());
    const way = this.random();
    this.written += 1;
    if (way < 0.02 && isForMonitor) {
      this.writeSlowly(path, content);
    } else if (way < 0.2) {
      const beside = join(this.root, 'aside', `${this.written}`);
      writeFileSync(beside, content);
      renameSync(beside, path);
    } else {
      writeFileSync(path, content);
    }
    if (isForMonitor) {
      this.maybeRewriteAnother(path);
    }
  }

  /** Frames mostly; now and then a stack, whose copy takes long enough to be met in its middle. */
  private nextSize(): number {
    const kind = this.random();
    return kind < 0.002 ? Math.floor((8 + this.random() * 16) * MIB) : this.frameSize();
  }

  private frameSize(): number {
    return Math.floor(2000 + this.random() * 50_000);
  }

  private nextMonitored(): string {
    const index = this.inMonitor++;
    const scan = String(Math.floor(index / FILES_OF_A_SCAN)).padStart(4, '0');
    return join(this.monitored, `scan ${scan}`, `frame_${String(index).padStart(6, '0')}.tif`);
  }

  private nextOfUpload(): string {
    if (this.inUpload === FILES_OF_AN_UPLOAD) {
      this.finishUpload();
    }
    const index = this.inUpload++;
    return join(this.uploads, this.uploadName(), index % 3 === 0 ? 'raw' : '.', `image ${index}.h5`);
  }

  private finishUpload(): void {
    if (this.inUpload > 0) {
      this.fullUploads.push(this.uploadName());
      this.nextUpload += 1;
      this.inUpload = 0;
    }
  }

  private uploadName(): string {
    const isOfFarHost = this.hasFarHost && this.nextUpload % FAR_UPLOADS === 0;
    return `${isOfFarHost ? FAR_PREFIX : ''}upload-${String(this.nextUpload).padStart(4, '0')}`;
  }

  private writeSlowly(path: string, content: Buffer): void {
    const third = Math.ceil(content.length / 3);
    const writing = (async () => {
      for (let at = 0; at < content.length; at += third) {
        appendFileSync(path, content.subarray(at, at + third));
        await pause(150);
      }
    })().finally(() => this.slowOnes.delete(writing));
    this.slowOnes.add(writing);
  }

  private maybeRewriteAnother(path: string): void {
    if (this.random() < 0.02) {
      this.mayRewrite.push(path);
    }
    const candidate = this.mayRewrite[0];
    if (this.mayRewrite.length > 5 && candidate !== undefined && this.random() < 0.05) {
      this.mayRewrite.shift();
      this.rewrite(candidate, REWRITES[Math.floor(this.random() * REWRITES.length)]!);
    }
  }

  /** How many files lie there, by a walk of its own. */
  count(): number {
    return [this.monitored, this.uploads]
      .flatMap((directory) => readdirSync(directory, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile()).length;
  }
}

/** Whether an upload's directory is one of the other machine. */
export function isFar(upload: string): boolean {
  return upload.startsWith(FAR_PREFIX);
}
