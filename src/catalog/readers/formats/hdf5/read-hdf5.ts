import { messageOf } from '../../../../kernel/errors.js';
import type { FileSource } from '../file-source.js';
import { newTree, type ReadingDraft } from '../reading-draft.js';
import { NexusNotes } from './nexus-notes.js';
import { SandboxedHdf5 } from './sandboxed-hdf5.js';
import { readSuperblock, type Superblock } from './superblock.js';
import { TreeWalk } from './tree-walk.js';

let sandbox: Promise<SandboxedHdf5> | undefined;

/** HDF5 and NeXus: the whole structure with attributes, and the values that are short. */
export async function readHdf5(source: FileSource, draft: ReadingDraft): Promise<void> {
  const superblock = readSuperblock(source);
  const facts = newTree([['superblockVersion', superblock.version]]);
  if (superblock.userBlockBytes > 0) {
    facts['userBlockBytes'] = superblock.userBlockBytes;
  }
  if (superblock.isOpenForWriting) {
    facts['isOpenForWriting'] = true;
    facts['isOpenForSwmr'] = superblock.isOpenForSwmr;
  }
  draft.raw['@hdf5'] = facts;
  complainOf(superblock, source, draft);
  const hdf5 = await (sandbox ??= SandboxedHdf5.load());
  hdf5.with(source, (path) => readOpened(hdf5, path, superblock, draft));
}

function complainOf(superblock: Superblock, source: FileSource, draft: ReadingDraft): void {
  const { endOfFile, isOpenForWriting, isOpenForSwmr } = superblock;
  if (endOfFile !== undefined && endOfFile > source.size && !isOpenForSwmr) {
    draft.complain(`The file is truncated: by its own words it has ${endOfFile} bytes, there are ${source.size}.`);
  }
  if (isOpenForWriting) {
    draft.complain(
      isOpenForSwmr
        ? 'A writer still has this file open (SWMR), or died with it; read it again when it is finished.'
        : 'A writer still has this file open, or died with it ("h5clear -s" repairs the mark).',
    );
  }
}

function readOpened(hdf5: SandboxedHdf5, path: string, superblock: Superblock, draft: ReadingDraft): void {
  const { library } = hdf5;
  const mode = superblock.isOpenForSwmr ? library.H5F_ACC_SWMR_READ : library.H5F_ACC_RDONLY;
  const file = library.open(path, mode);
  if (file < 0n) {
    if (draft.complaint === null) {
      draft.complain(`The HDF5 library cannot open it: ${hdf5.reason() ?? 'it does not say why'}.`);
    }
    return;
  }
  const notes = new NexusNotes();
  try {
    new TreeWalk(hdf5, file, draft, notes).run();
  } catch (error) {
    draft.complain(`The HDF5 library gave up: ${hdf5.reason() ?? messageOf(error)}.`);
    throw error;
  } finally {
    const nexus = notes.tree();
    if (nexus !== undefined) {
      draft.raw['@nexus'] = nexus;
    }
    library.close_file(file);
  }
}
