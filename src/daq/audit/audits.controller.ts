import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, type Principal } from '../../auth/index.js';
import type { Page } from '../../platform/http/index.js';
import {
  auditId,
  auditPageSchema,
  auditSchema,
  auditsQuery,
  type AuditsQuery,
  findingPageSchema,
  findingsQuery,
  type FindingsQuery,
  repairBody,
  type RepairBody,
  startAuditBody,
  type StartAuditBody,
} from './audit.schema.js';
import type { AuditView, FindingView } from './audit.view.js';
import { AuditsService } from './audits.service.js';

@ApiTags('audits')
@Controller('api/v1/audits')
export class AuditsController {
  constructor(private readonly audits: AuditsService) {}

  @Post()
  @ApiOperation({
    summary: 'Start an audit: compares source, ledger, storage and catalog of an experiment',
    description:
      'Fast by presence, size and time; `deep` also reads the copies’ bytes, the longest unverified first, within ' +
      '`byteBudget`. A restart of the station goes on where it was.',
  })
  @ApiCreatedResponse({ standardSchema: auditSchema })
  start(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: startAuditBody }) body: StartAuditBody,
  ): Promise<AuditView> {
    return this.audits.start(principal, body);
  }

  @Get()
  @ApiOperation({ summary: 'Audits, newest first' })
  @ApiOkResponse({ standardSchema: auditPageSchema })
  list(
    @CurrentPrincipal() principal: Principal,
    @Query({ schema: auditsQuery }) query: AuditsQuery,
  ): Promise<Page<AuditView>> {
    return this.audits.list(principal, query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One audit with its counts' })
  @ApiOkResponse({ standardSchema: auditSchema })
  get(@CurrentPrincipal() principal: Principal, @Param('id', { schema: auditId }) id: string): Promise<AuditView> {
    return this.audits.get(principal, id);
  }

  @Get(':id/findings')
  @ApiOperation({ summary: 'What it found, in the order of finding' })
  @ApiOkResponse({ standardSchema: findingPageSchema })
  findings(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: auditId }) id: string,
    @Query({ schema: findingsQuery }) query: FindingsQuery,
  ): Promise<Page<FindingView>> {
    return this.audits.findingsOf(principal, id, query);
  }

  @Post(':id/stop')
  @HttpCode(202)
  @ApiOperation({ summary: 'Stop it; what it has found stays' })
  @ApiAcceptedResponse({ standardSchema: auditSchema })
  stop(@CurrentPrincipal() principal: Principal, @Param('id', { schema: auditId }) id: string): Promise<AuditView> {
    return this.audits.stop(principal, id);
  }

  @Post(':id/repairs')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Have findings repaired: all, some kinds, or single ones',
    description:
      'A missing or damaged copy is copied again from another verified copy or from a source that still has the content; ' +
      'the damaged one is kept below `system/audit`. Documents are rewritten from the ledger or removed. Nothing that is ' +
      'verified is touched.',
  })
  @ApiAcceptedResponse({ example: { requested: 3 } })
  repair(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: auditId }) id: string,
    @Body({ schema: repairBody }) body: RepairBody,
  ): Promise<{ requested: number }> {
    return this.audits.repair(principal, id, body);
  }
}
