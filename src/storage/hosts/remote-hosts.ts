import { hostname } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { SshShell } from '../shell/ssh-shell.js';
import type { RemoteHost } from './hosts.config.js';

/** The machines that the station may speak with by ssh (`storage.hosts`), one connection with each. */
@Injectable()
export class RemoteHosts {
  private readonly shells = new Map<string, SshShell>();

  /** @throws StationError CONFIG_INVALID for an alias that the ledger could not tell from this machine. */
  constructor(@Inject(CONFIG) private readonly config: StationConfig) {
    if (Object.hasOwn(config.storage.hosts, hostname())) {
      throw new StationError(
        'invalid',
        'CONFIG_INVALID',
        `storage.hosts.${hostname()}: this is the name of the station's own machine. Choose another alias.`,
      );
    }
  }

  /** @throws StationError HOST_UNKNOWN, with what to configure. */
  get(alias: string): RemoteHost {
    const host = Object.hasOwn(this.config.storage.hosts, alias) ? this.config.storage.hosts[alias] : undefined;
    if (host === undefined) {
      throw this.unknown(alias);
    }
    return host;
  }

  /** The alias of a host that somebody named by alias or by address. @throws StationError HOST_UNKNOWN */
  aliasOf(name: string): string {
    if (Object.hasOwn(this.config.storage.hosts, name)) {
      return name;
    }
    const found = Object.entries(this.config.storage.hosts).filter(([, host]) => host.address === name);
    if (found.length > 1) {
      throw new StationError(
        'invalid',
        'HOST_AMBIGUOUS',
        `Several hosts have the address ${name}: ${found.map(([alias]) => alias).join(', ')}. Name one by its alias.`,
      );
    }
    const [only] = found;
    if (only === undefined) {
      throw this.unknown(name);
    }
    return only[0];
  }

  /** @throws StationError HOST_UNKNOWN */
  shell(alias: string): SshShell {
    let shell = this.shells.get(alias);
    if (shell === undefined) {
      shell = new SshShell(alias, this.get(alias));
      this.shells.set(alias, shell);
    }
    return shell;
  }

  /** To be called after all who use the connections. */
  async close(): Promise<void> {
    await Promise.all([...this.shells.values()].map((shell) => shell.close()));
  }

  private unknown(name: string): StationError {
    const known = Object.keys(this.config.storage.hosts);
    return new StationError(
      'invalid',
      'HOST_UNKNOWN',
      `The station knows no host ${name}; it knows ${known.length === 0 ? 'none' : known.join(', ')}. The station manager adds it to storage.hosts in the configuration: address, user, identityFile, knownHostsFile and sourceRoots.`,
    );
  }
}
