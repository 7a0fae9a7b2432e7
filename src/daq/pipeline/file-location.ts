import { joinBytes } from '../../kernel/path-bytes.js';
import type { Proof } from '../../storage/index.js';
import type { AcquisitionOptions } from '../acquisitions/acquisition.js';
import type { PipelineFile } from './file-plugin.port.js';

/** Where the content of a file is read from once it has passed the transfer: its copy, or the source itself. */
export function locationOf({ row, acquisition, experiment }: PipelineFile): Buffer {
  return acquisition.options.skipTransfer ? row.sourcePath : joinBytes(experiment.directory, row.destinationPath);
}

/** What an acquisition's options leave of the proof of its copies. */
export function proofOf({ skipTransfer, skipChecksum }: AcquisitionOptions): Proof {
  if (skipTransfer) {
    return 'none';
  }
  return skipChecksum ? 'size' : 'read-back';
}
