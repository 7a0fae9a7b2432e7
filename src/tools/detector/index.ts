export { AWKWARD_NAMES, withExtension, type AwkwardName } from './awkward-names.js';
export { DetectorPlayer, type DetectorPlayerOptions, type Exposure, type WrittenFile } from './detector-player.js';
export { nexusFile, type NexusFileOptions } from './nexus-file.js';
export { specFile, type SpecFileOptions } from './spec-file.js';
export { tiffFile, type TiffFileOptions } from './tiff-file.js';
