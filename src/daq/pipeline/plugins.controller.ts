import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessService, CurrentPrincipal, type Principal } from '../../auth/index.js';
import { Pipeline } from './pipeline.js';

@ApiTags('acquisitions')
@Controller('api/v1/plugins')
export class PluginsController {
  constructor(
    private readonly access: AccessService,
    private readonly pipeline: Pipeline,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The plug-ins that every file passes, in their order; names for skipPlugins' })
  async list(
    @CurrentPrincipal() principal: Principal,
  ): Promise<{ items: { name: string; order: number }[]; nextCursor: null }> {
    await this.access.require(principal, 'station.read');
    return { items: this.pipeline.steps(), nextCursor: null };
  }
}
