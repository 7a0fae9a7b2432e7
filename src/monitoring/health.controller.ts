import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Public } from '../platform/http/index.js';
import { HealthService } from './health.service.js';
import { TrustedCaller } from './trusted-caller.js';

@ApiTags('monitoring')
@Public()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthService,
    private readonly trusted: TrustedCaller,
  ) {}

  @Get('live')
  @ApiOperation({ summary: 'Whether the process answers at all' })
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({
    summary: 'Whether it can do its work: `ready`, `degraded` (200), or `unavailable` (503)',
    description: 'The single checks are shown to loopback and to callers with a session or token.',
  })
  async ready(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<object> {
    const readiness = await this.health.readiness();
    if (readiness.status === 'unavailable') {
      response.status(503).setHeader('Retry-After', '5');
    }
    return (await this.trusted.isTrusted(request)) ? readiness : { status: readiness.status };
  }
}
