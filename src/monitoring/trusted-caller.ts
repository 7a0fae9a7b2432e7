import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { RequestAuthenticator } from '../auth/index.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

/** Who may see metrics and the details of health: this machine itself, and whoever is logged in or has a token. */
@Injectable()
export class TrustedCaller {
  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly authenticator: RequestAuthenticator,
  ) {}

  async isTrusted(request: Request): Promise<boolean> {
    // Behind a proxy every request may come from loopback: what it forwards says so, unless it is set up badly.
    const isForwarded = request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined;
    const isBehindProxy = this.config.http.trustedProxies.length > 0;
    if (!isForwarded && !isBehindProxy && LOOPBACK.has(request.socket.remoteAddress ?? '')) {
      return true;
    }
    try {
      return (await this.authenticator.authenticate(request)) !== null;
    } catch {
      return false; // no database, no proof
    }
  }
}
