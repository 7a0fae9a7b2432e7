import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessService, CurrentPrincipal, type Principal } from '../auth/index.js';
import { StationError } from '../kernel/errors.js';
import { type Alarm, Alarms } from '../platform/alarms/index.js';
import { DatabaseOutages } from './database-outages.js';

@ApiTags('monitoring')
@Controller('api/v1/alarms')
export class AlarmsController {
  constructor(
    private readonly access: AccessService,
    private readonly alarms: Alarms,
    private readonly outages: DatabaseOutages,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Active alarms, the gravest first; each says what to do' })
  async list(@CurrentPrincipal() principal: Principal): Promise<{ items: Alarm[]; nextCursor: null }> {
    await this.access.require(principal, 'alarm.read');
    const visible = await this.access.visibleExperiments(principal);
    return {
      items: visible === 'all' ? await this.ofStation() : await this.alarms.active(visible),
      nextCursor: null,
    };
  }

  private async ofStation(): Promise<Alarm[]> {
    try {
      return await this.alarms.active();
    } catch (error) {
      if (error instanceof StationError && error.code === 'DATABASE_UNAVAILABLE') {
        return [this.outages.current()];
      }
      throw error;
    }
  }
}
