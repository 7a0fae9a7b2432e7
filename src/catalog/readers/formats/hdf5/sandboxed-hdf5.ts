import { ready } from 'h5wasm';
import { type FileSource, UnreadableFile } from '../file-source.js';
import { beginsGlobalHeap, isSoundGlobalHeap } from './global-heap.js';

/** As much as is kept of what the library says on its standard error; the innermost reason comes last. */
const MOST_DIAGNOSIS_CHARACTERS = 65_536;

/** EIO, as WebAssembly's system interface counts. */
const INPUT_OUTPUT_ERROR = 29;

type Library = Awaited<typeof ready>;

/** The parts of emscripten's file system that are used below; its types leave them out. */
interface Stream {
  node: FileNode;
}
interface StreamOperations {
  read(stream: Stream, target: Uint8Array, offset: number, length: number, position: number): number;
  write(stream: Stream, source: Uint8Array, offset: number, length: number): number;
}
interface FileNode {
  contents: unknown;
  usedBytes: number;
  stream_ops: StreamOperations;
}
interface FileSystem {
  createFile(parent: string, name: string, properties: object, canRead: boolean, canWrite: boolean): FileNode;
  unlink(path: string): void;
  streams: ({ stream_ops: StreamOperations } | null)[];
  ErrnoError: new (errno: number) => Error;
}

/**
 * The HDF5 library (h5wasm) with a file system of its own, in which the one file to be read is all that there is. External
 * links, virtual data sets and external raw data name other files, `/etc/shadow` if an attacker likes: the library can open
 * none of them. It can neither write, nor lock.
 */
export class SandboxedHdf5 {
  private diagnosis = '';
  private opened = 0;

  private constructor(
    readonly library: Library,
    private readonly files: FileSystem,
  ) {}

  static async load(): Promise<SandboxedHdf5> {
    const library = await ready;
    const sandbox = new SandboxedHdf5(library, library.FS as unknown as FileSystem);
    sandbox.listen();
    return sandbox;
  }

  /**
   * Makes the file appear, runs `use` with its path in there, and makes it vanish again. The name is not to be guessed from
   * a link within the file, and new each time, since the library knows opened files by name.
   */
  with<T>(source: FileSource, use: (path: string) => T): T {
    const name = `f${(this.opened += 1)}-${Math.random().toString(36).slice(2)}`;
    const node = this.files.createFile('/', name, {}, true, false);
    node.contents = null;
    Object.defineProperty(node, 'usedBytes', { get: () => source.size });
    node.stream_ops = {
      ...node.stream_ops,
      read: (_stream, target, offset, length, position) => {
        const available = Math.max(0, Math.min(length, source.size - position));
        const { buffer, byteOffset } = target; // signed bytes, whatever emscripten calls them
        return this.fill(new Uint8Array(buffer, byteOffset + offset, available), source, position);
      },
    };
    this.diagnosis = '';
    try {
      return use(`/${name}`);
    } finally {
      this.files.unlink(`/${name}`);
    }
  }

  /** What the library cannot bear must fail as a disk fails: an exception of ours would tear it up in the middle. */
  private fill(target: Uint8Array, source: FileSource, position: number): number {
    try {
      const count = source.readInto(target, position);
      if (!beginsGlobalHeap(target) || isSoundGlobalHeap(source, position)) {
        return count;
      }
    } catch (error) {
      if (!(error instanceof UnreadableFile)) {
        throw error;
      }
    }
    throw new this.files.ErrnoError(INPUT_OUTPUT_ERROR);
  }

  /** The innermost reason of the library's last failure, as it words it. */
  reason(): string | undefined {
    const messages = [...this.diagnosis.matchAll(/^\s+#\d+: .*? in \w+\(\): (.*)$/gm)];
    return messages.at(-1)?.[1]?.trim();
  }

  /** The library explains failures on its standard error, which is caught instead of being printed. */
  private listen(): void {
    const stream = this.files.streams[2];
    if (stream !== null && stream !== undefined) {
      const decoder = new TextDecoder();
      stream.stream_ops = {
        ...stream.stream_ops,
        write: (_stream, source, offset, length) => {
          const text = decoder.decode(source.slice(offset, offset + length));
          this.diagnosis = (this.diagnosis + text).slice(-MOST_DIAGNOSIS_CHARACTERS);
          return length;
        },
      };
    }
  }
}
