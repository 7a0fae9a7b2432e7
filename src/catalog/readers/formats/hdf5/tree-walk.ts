import type { Metadata } from 'h5wasm';
import { messageOf } from '../../../../kernel/errors.js';
import type { RawTree } from '../../metadata-readers.port.js';
import { RAW_LIMITS } from '../bounded-tree.js';
import { newTree, type ReadingDraft } from '../reading-draft.js';
import { hdf5TypeName } from './hdf5-types.js';
import type { NexusNotes } from './nexus-notes.js';
import type { SandboxedHdf5 } from './sandboxed-hdf5.js';
import { readAttribute, readValue } from './values.js';

/** Groups, data sets and attributes that are looked at. Each takes some ten microseconds. */
const MOST_OBJECTS = 20_000;
const MOST_DEPTH = Math.floor(RAW_LIMITS.depth / 2);

type Library = SandboxedHdf5['library'];

/** One pass through all groups of an open file. What cannot be read is noted where it is, and the rest goes on. */
export class TreeWalk {
  private readonly library: Library;
  private objects = 0;
  private unreadable = 0;
  private firstUnreadable = '';
  private isCut = false;

  constructor(
    private readonly hdf5: SandboxedHdf5,
    private readonly file: bigint,
    private readonly draft: ReadingDraft,
    private readonly notes: NexusNotes,
  ) {
    this.library = hdf5.library;
  }

  run(): void {
    this.group('/', this.draft.raw, [], 0);
    if (this.unreadable > 0) {
      const others = this.unreadable > 1 ? ` and ${this.unreadable - 1} other objects` : '';
      this.draft.complain(`Some of it cannot be read: ${this.firstUnreadable}${others}.`);
    }
  }

  private group(path: string, tree: RawTree, ancestors: readonly string[], depth: number): void {
    this.attributes(path, tree);
    const names = this.tried(path, () => this.library.get_names(this.file, path, false)) ?? [];
    for (const name of names) {
      if (!this.takeObject(path)) {
        return;
      }
      const child = path === '/' ? `/${name}` : `${path}/${name}`;
      tree[name] = this.tried(child, () => this.child(child, ancestors, depth + 1)) ?? unreadable();
    }
    this.notes.group(path, tree);
  }

  private child(path: string, ancestors: readonly string[], depth: number): unknown {
    const { library, file } = this;
    switch (library.get_type(file, path)) {
      case library.H5G_GROUP:
        return this.subgroup(path, ancestors, depth);
      case library.H5G_DATASET:
        return this.dataset(path);
      case library.H5G_TYPE:
        return newTree([['datatype', hdf5TypeName(library.get_datatype_metadata(file, path))]]);
      case library.H5G_LINK:
        // It leads nowhere, or to an object that is nowhere.
        return newTree([
          ['link', 'soft'],
          ['path', library.get_symbolic_link(file, path)],
        ]);
      case library.H5G_UDLINK: {
        const { filename, obj_path } = library.get_external_link(file, path);
        this.notes.externalLink(path, filename, obj_path);
        return newTree([
          ['link', 'external'],
          ['file', filename],
          ['path', obj_path],
        ]);
      }
      default:
        return this.unreadableObject(path, 'it is of no known kind');
    }
  }

  private subgroup(path: string, ancestors: readonly string[], depth: number): unknown {
    // A group that holds itself, through a hard or a soft link, has no end.
    const identity = Buffer.from(this.library.create_object_reference(this.file, path)).toString('hex');
    if (ancestors.includes(identity)) {
      return newTree([
        ['link', 'cycle'],
        ['path', this.library.get_symbolic_link(this.file, path) ?? undefined],
      ]);
    }
    if (depth > MOST_DEPTH) {
      this.draft.omitted.push(`${path} (deeper than ${MOST_DEPTH} groups)`);
      return undefined;
    }
    const tree = newTree();
    this.group(path, tree, [...ancestors, identity], depth);
    return tree;
  }

  private dataset(path: string): RawTree {
    const metadata = this.library.get_dataset_metadata(this.file, path);
    const tree = newTree([
      ['type', hdf5TypeName(metadata)],
      ['shape', metadata.shape],
    ]);
    if (isExtendable(metadata)) {
      tree['maxShape'] = metadata.maxshape?.map((size) => (size >= Number.MAX_SAFE_INTEGER ? null : size));
    }
    const sources = metadata.virtual_sources;
    if (sources !== undefined) {
      // Its values lie in other files.
      tree['virtualSources'] = sources.map(({ file_name, dset_name }) => ({ file: file_name, path: dset_name }));
      this.notes.virtualDataset(path);
    } else {
      const value = this.tried(path, () => readValue(this.library, this.file, path, metadata));
      if (value !== undefined) {
        tree['value'] = value;
      }
    }
    this.attributes(path, tree);
    return tree;
  }

  private attributes(path: string, tree: RawTree): void {
    const names = this.tried(path, () => this.library.get_attribute_names(this.file, path)) ?? [];
    for (const name of names) {
      if (!this.takeObject(path)) {
        return;
      }
      const value = this.tried(`${path}@${name}`, () => readAttribute(this.library, this.file, path, name));
      tree[`@${name}`] = value ?? null;
    }
  }

  private takeObject(path: string): boolean {
    this.objects += 1;
    if (this.objects > MOST_OBJECTS && !this.isCut) {
      this.isCut = true;
      this.draft.omitted.push(`${path} and what follows (more than ${MOST_OBJECTS} objects)`);
    }
    return !this.isCut;
  }

  /** What `read` answers; undefined, with a note, where the library cannot. A broken library is no matter of one object. */
  private tried<T>(path: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (isFatal(error)) {
        throw error;
      }
      this.unreadableObject(path, this.hdf5.reason() ?? messageOf(error));
      return undefined;
    }
  }

  private unreadableObject(path: string, reason: string): RawTree {
    this.unreadable += 1;
    if (this.unreadable === 1) {
      this.firstUnreadable = `${path} (${reason})`;
    }
    return unreadable();
  }
}

/** A trap of the WebAssembly machine, or a stack without end: what the library holds in memory is in an unknown state. */
function isFatal(error: unknown): boolean {
  return error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError');
}

function unreadable(): RawTree {
  return newTree([['unreadable', true]]);
}

function isExtendable({ shape, maxshape }: Metadata): boolean {
  return shape !== null && maxshape !== null && maxshape.some((size, at) => size !== shape[at]);
}
