import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Page, type PageQuery, pageQuery } from '../../platform/http/index.js';
import type { Principal } from '../principal.js';
import type { ApiToken } from './api-token.repository.js';
import { createdTokenSchema, type CreateToken, createTokenSchema, tokenIdParam } from './api-token.schema.js';
import { ApiTokensService } from './api-tokens.service.js';
import { CurrentIdentity, CurrentPrincipal } from './current-principal.decorator.js';
import type { Identity } from './identity.js';

@ApiTags('tokens')
@Controller('api/v1/tokens')
export class ApiTokensController {
  constructor(private readonly tokens: ApiTokensService) {}

  @Get()
  @ApiOperation({ summary: 'Your API tokens that still work, without their secrets' })
  list(
    @CurrentPrincipal() principal: Principal,
    @Query({ schema: pageQuery }) query: PageQuery,
  ): Promise<Page<ApiToken>> {
    return this.tokens.list(principal, query);
  }

  @Post()
  @ApiOperation({ summary: 'Create an API token that acts as you; its text is shown in this answer and never again' })
  @ApiCreatedResponse({ standardSchema: createdTokenSchema })
  create(
    @CurrentIdentity() identity: Identity,
    @Body({ schema: createTokenSchema }) body: CreateToken,
  ): Promise<ApiToken & { token: string }> {
    return this.tokens.create(identity, body);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke one of your tokens (administrators: anybody’s)' })
  @ApiNoContentResponse()
  revoke(@CurrentPrincipal() principal: Principal, @Param('id', { schema: tokenIdParam }) id: number): Promise<void> {
    return this.tokens.revoke(principal, id);
  }
}
