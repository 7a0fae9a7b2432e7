import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentPrincipal, type Principal } from '../../auth/index.js';
import { type DestinationView, DestinationsService } from './destinations.service.js';

const destinationName = z.string().min(1).max(64);

@ApiTags('storage')
@Controller('api/v1/destinations')
export class DestinationsController {
  constructor(private readonly destinations: DestinationsService) {}

  @Get()
  @ApiOperation({ summary: 'Places that files are copied to beside the storage area, and what waits for each' })
  async list(@CurrentPrincipal() principal: Principal): Promise<{ items: DestinationView[]; nextCursor: null }> {
    return { items: await this.destinations.list(principal), nextCursor: null };
  }

  @Post(':name/retry')
  @HttpCode(200)
  @ApiOperation({ summary: 'Try the copies again that are in quarantine for this destination' })
  retry(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: destinationName }) name: string,
  ): Promise<{ retried: number }> {
    return this.destinations.retry(principal, name);
  }
}
