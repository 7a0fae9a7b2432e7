import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, type Principal } from '../auth/index.js';
import { type Page, type PageQuery, pageQuery } from '../platform/http/index.js';
import { ExperimentMembersService } from './experiment-members.service.js';
import { experimentNameParam, type MemberBody, memberSchema, usernameParam } from './experiment.schema.js';
import type { ExperimentMember } from './experiment.js';

const MEMBER_EXAMPLE = {
  username: 'jdoe',
  role: 'PI',
  firstName: 'Jane',
  lastName: 'Doe',
  addedAt: '2026-11-20T08:00:00.000Z',
};

@ApiTags('experiments')
@Controller('api/v1/experiments/:name/members')
export class ExperimentMembersController {
  constructor(private readonly members: ExperimentMembersService) {}

  @Get()
  @ApiOperation({ summary: 'Who belongs to the experiment, by username' })
  list(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Query({ schema: pageQuery }) query: PageQuery,
  ): Promise<Page<ExperimentMember>> {
    return this.members.list(principal, name, query);
  }

  @Put(':username')
  @ApiOperation({ summary: 'Add a member, or give one another role (PI, station manager, administrators)' })
  @ApiOkResponse({ example: MEMBER_EXAMPLE })
  put(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Param('username', { schema: usernameParam }) username: string,
    @Body({ schema: memberSchema }) body: MemberBody,
  ): Promise<ExperimentMember> {
    return this.members.put(principal, name, username, body.role);
  }

  @Delete(':username')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a member (PI, station manager, administrators)' })
  @ApiNoContentResponse()
  remove(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Param('username', { schema: usernameParam }) username: string,
  ): Promise<void> {
    return this.members.remove(principal, name, username);
  }
}
