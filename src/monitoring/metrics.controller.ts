import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { Registry } from 'prom-client';
import { StationError } from '../kernel/errors.js';
import { Public } from '../platform/http/index.js';
import { METRICS } from '../platform/metrics/index.js';
import { TrustedCaller } from './trusted-caller.js';

@ApiExcludeController()
@Public()
@Controller('metrics')
export class MetricsController {
  constructor(
    @Inject(METRICS) private readonly registry: Registry,
    private readonly trusted: TrustedCaller,
  ) {}

  @Get()
  async scrape(@Req() request: Request, @Res() response: Response): Promise<void> {
    if (!(await this.trusted.isTrusted(request))) {
      throw new StationError(
        'unauthenticated',
        'TOKEN_REQUIRED',
        'Metrics are open to loopback only; elsewhere send an API token as Bearer.',
      );
    }
    response.setHeader('Content-Type', this.registry.contentType);
    response.end(await this.registry.metrics());
  }
}
