export { StorageModule } from './storage.module.js';
export type { Destination } from './destinations/destination.js';
export { Destinations } from './destinations/destinations.js';
export { permissionsOf } from './area-permissions.js';
export { AreaRights, type FileRights, requireInside } from './area-rights.js';
export { makeDirectory, permitDirectory, syncDirectory } from './made-directory.js';
export { type ResolvedPermissions, resolvePermissions } from './resolved-permissions.js';
export { faultOfCode } from './copy-faults.js';
export { StorageArea } from './storage-area.js';
export { RemoteHosts } from './hosts/remote-hosts.js';
export { parseSourceAddress, type SourceAddress } from './hosts/source-address.js';
export { type Field, MOST_COMPLAINTS, type Shell } from './shell/shell.port.js';
export { codeOfText } from './shell/error-text.js';
export { TransferEngines } from './transfer-engines.js';
export { isVerified, justifiesDeletion, type Proof, PROOFS } from './proof.js';
export {
  type NewReplica,
  AT_SOURCE,
  PRIMARY,
  type Replica,
  type ReplicaOfVersion,
  ReplicaRepository,
  type ReplicaTrouble,
} from './replica.repository.js';
export { storageConfigSchema, type StorageConfig } from './storage.config.js';
export {
  type EngineCapabilities,
  type FaultKind,
  type FileIdentity,
  type Remains,
  TRANSFER_ENGINE,
  type TransferEngine,
  type TransferOutcome,
  type TransferTask,
  type WantedProof,
} from './transfer-engine.port.js';
