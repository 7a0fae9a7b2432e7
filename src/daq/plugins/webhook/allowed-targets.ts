import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { StationError } from '../../../kernel/errors.js';
import type { WebhooksConfig } from './webhook.config.js';

/** Addresses that are not the public internet (IANA's special-purpose registries): reached only when listed. */
const NOT_PUBLIC: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
];

/** Decides where the station may call: by URL first, and by the address that its name leads to when it connects. */
export class AllowedTargets {
  private readonly notPublic = blockList(NOT_PUBLIC);
  private readonly networks: BlockList;
  private readonly allow: readonly URL[];

  constructor(config: Pick<WebhooksConfig, 'allow' | 'networks'>) {
    this.allow = config.allow.map((text) => new URL(text));
    this.networks = blockList(
      config.networks.map((text) => {
        const [address = '', prefix = ''] = text.split('/');
        return [address, Number(prefix)];
      }),
    );
  }

  /** @throws StationError WEBHOOK_NOT_ALLOWED */
  require(url: URL): void {
    const isListed = this.allow.some((allowed) => covers(allowed, url));
    if (!isListed || url.username !== '' || url.password !== '') {
      throw notAllowed(`${url.origin}${url.pathname} is not in daq.webhooks.allow`);
    }
  }

  /** Name resolution for a connection to `url`: a name that leads to a private address is not followed. */
  lookupFor(url: URL): LookupFunction {
    // Whoever lists an address, or localhost, means it.
    const isMeant = isIP(hostOf(url)) !== 0 || hostOf(url) === 'localhost';
    return (hostname, options, callback) => {
      systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error !== null) {
          callback(error, '', 0);
          return;
        }
        const refused = isMeant ? undefined : addresses.find(({ address, family }) => !this.allows(address, family));
        if (refused !== undefined) {
          const reason = `${hostname} leads to ${refused.address}, which is private; list its network in daq.webhooks.networks if that is meant`;
          callback(notAllowed(reason), '', 0);
          return;
        }
        const [first] = addresses;
        if (options.all === true) {
          callback(null, addresses);
        } else {
          callback(null, first?.address ?? '', first?.family ?? 4);
        }
      });
    };
  }

  private allows(address: string, family: number): boolean {
    const kind = family === 6 ? 'ipv6' : 'ipv4';
    return !this.notPublic.check(address, kind) || this.networks.check(address, kind);
  }
}

function covers(allowed: URL, url: URL): boolean {
  return (
    allowed.origin === url.origin &&
    (allowed.pathname === url.pathname || (allowed.pathname.endsWith('/') && url.pathname.startsWith(allowed.pathname)))
  );
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function blockList(networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of networks) {
    list.addSubnet(address, prefix, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

function notAllowed(reason: string): StationError {
  return new StationError('forbidden', 'WEBHOOK_NOT_ALLOWED', `The station does not call there: ${reason}.`);
}
