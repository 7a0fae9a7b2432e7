import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { RequestAuthenticator } from '../auth/index.js';

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

/** Who may see metrics and the details of health: this machine itself, and whoever is logged in or has a token. */
@Injectable()
export class TrustedCaller {
  constructor(private readonly authenticator: RequestAuthenticator) {}

  async isTrusted(request: Request): Promise<boolean> {
    // Behind a proxy every request comes from loopback; what it forwards for somebody else says so.
    const isForwarded = request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined;
    if (!isForwarded && LOOPBACK.has(request.socket.remoteAddress ?? '')) {
      return true;
    }
    try {
      return (await this.authenticator.authenticate(request)) !== null;
    } catch {
      return false; // no database, no proof
    }
  }
}
