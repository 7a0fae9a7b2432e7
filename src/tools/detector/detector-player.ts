import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** One file that the detector is to write. */
export interface Exposure {
  /** Name relative to the player's directory, as bytes: it may be no text at all. */
  name: Buffer;
  content: Buffer;
  /** Pieces that the content is written in, with a pause between two of them. Default 3. */
  pieces?: number;
}

export interface WrittenFile {
  name: Buffer;
  path: Buffer;
  sizeBytes: number;
  /** When the last byte was flushed to the disk and the file closed, in milliseconds since 1970. */
  completedAtMs: number;
}

export interface DetectorPlayerOptions {
  /** Existing or to be made. */
  directory: Buffer;
  /** Milliseconds between two pieces of one file. Default 150. */
  pauseMs?: number;
  onFile?: (file: WrittenFile) => void;
}

/**
 * Writes files as a detector does: appended piece by piece, with pauses in which a hasty reader would take half a file,
 * and flushed at the end. One file after another; start several players to have several detectors.
 */
export class DetectorPlayer {
  constructor(private readonly options: DetectorPlayerOptions) {}

  async play(exposures: Iterable<Exposure>, signal?: AbortSignal): Promise<WrittenFile[]> {
    await mkdir(this.options.directory, { recursive: true });
    const written: WrittenFile[] = [];
    for (const exposure of exposures) {
      const file = await this.write(exposure, signal);
      written.push(file);
      this.options.onFile?.(file);
    }
    return written;
  }

  private async write(exposure: Exposure, signal?: AbortSignal): Promise<WrittenFile> {
    const path = Buffer.concat([this.options.directory, Buffer.from('/'), exposure.name]);
    const handle = await open(path, 'wx');
    try {
      await this.appendInPieces(handle, exposure, signal);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return { name: exposure.name, path, sizeBytes: exposure.content.length, completedAtMs: Date.now() };
  }

  private async appendInPieces(handle: FileHandle, exposure: Exposure, signal?: AbortSignal): Promise<void> {
    const pieces = Math.max(1, exposure.pieces ?? 3);
    const length = Math.ceil(exposure.content.length / pieces);
    for (let at = 0; at < exposure.content.length; at += length) {
      if (at > 0) {
        await pause(this.options.pauseMs ?? 150, undefined, { signal });
      }
      await handle.writeFile(exposure.content.subarray(at, at + length));
    }
  }
}
