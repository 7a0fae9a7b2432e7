import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessService, CurrentPrincipal, type Principal } from '../auth/index.js';
import { type Alarm, Alarms } from '../platform/alarms/index.js';

@ApiTags('monitoring')
@Controller('api/v1/alarms')
export class AlarmsController {
  constructor(
    private readonly access: AccessService,
    private readonly alarms: Alarms,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Active alarms, the gravest first; each says what to do' })
  async list(@CurrentPrincipal() principal: Principal): Promise<{ items: Alarm[]; nextCursor: null }> {
    await this.access.require(principal, 'alarm.read');
    const visible = await this.access.visibleExperiments(principal);
    return { items: await this.alarms.active(visible === 'all' ? undefined : visible), nextCursor: null };
  }
}
