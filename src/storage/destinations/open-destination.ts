import { permissionsAt } from '../area-permissions.js';
import type { RemoteHosts } from '../hosts/remote-hosts.js';
import type { TransferEngines } from '../transfer-engines.js';
import type { TransferMetrics } from '../transfer.metrics.js';
import { heldToRate } from '../wrappers/held-to-rate.js';
import type { Destination } from './destination.js';
import type { DestinationConfig } from './destination.config.js';
import { GridftpServerDestination } from './gridftp-server-destination.js';
import { LocalDestination, type StorageDefaults } from './local-destination.js';
import { RsyncDestination } from './rsync-destination.js';

/** @throws StationError HOST_UNKNOWN when a destination names a host that is not configured. */
export function openDestination(
  config: DestinationConfig,
  parts: { defaults: StorageDefaults; engines: TransferEngines; hosts: RemoteHosts; metrics: TransferMetrics },
): Destination {
  switch (config.engine) {
    case 'local':
      return new LocalDestination(config, parts.defaults, parts.metrics);
    case 'rsync': {
      const permissions = permissionsAt(config, parts.defaults.permissions);
      return new RsyncDestination(
        config,
        { ...parts.defaults, permissions },
        parts.hosts.shell(config.host),
        heldToRate(parts.engines.to(config.host, permissions), config.bytesPerSecond),
      );
    }
    case 'gridftp':
      return new GridftpServerDestination(config, parts.defaults, parts.metrics);
  }
}
