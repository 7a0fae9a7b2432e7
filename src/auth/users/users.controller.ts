import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Page, type PageQuery, pageQuery } from '../../platform/http/index.js';
import { CurrentPrincipal } from '../credentials/current-principal.decorator.js';
import type { GrantedRole, Principal } from '../principal.js';
import {
  type CreateUser,
  createUserSchema,
  roleParam,
  type UpdateUser,
  updateUserSchema,
  usernameParam,
  userSchema,
} from './user.schema.js';
import type { User } from './user.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@Controller('api/v1/users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @ApiOperation({ summary: 'All accounts, by username (administrators and the station manager)' })
  list(@CurrentPrincipal() principal: Principal, @Query({ schema: pageQuery }) query: PageQuery): Promise<Page<User>> {
    return this.users.list(principal, query);
  }

  @Post()
  @ApiOperation({ summary: 'Create an account (administrators); without a password nobody can log in as it' })
  @ApiCreatedResponse({ standardSchema: userSchema })
  create(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: createUserSchema }) body: CreateUser,
  ): Promise<User> {
    return this.users.create(principal, body);
  }

  @Get(':username')
  @ApiOperation({ summary: 'One account: your own, or any for administrators and the station manager' })
  @ApiOkResponse({ standardSchema: userSchema })
  get(
    @CurrentPrincipal() principal: Principal,
    @Param('username', { schema: usernameParam }) username: string,
  ): Promise<User> {
    return this.users.get(principal, username);
  }

  @Patch(':username')
  @ApiOperation({ summary: 'Change an account (administrators); a new password or disabling ends its sessions' })
  @ApiOkResponse({ standardSchema: userSchema })
  update(
    @CurrentPrincipal() principal: Principal,
    @Param('username', { schema: usernameParam }) username: string,
    @Body({ schema: updateUserSchema }) body: UpdateUser,
  ): Promise<User> {
    return this.users.update(principal, username, body);
  }

  @Delete(':username')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an account with its sessions, tokens and memberships (administrators)' })
  @ApiNoContentResponse()
  delete(
    @CurrentPrincipal() principal: Principal,
    @Param('username', { schema: usernameParam }) username: string,
  ): Promise<void> {
    return this.users.delete(principal, username);
  }

  @Put(':username/roles/:role')
  @ApiOperation({ summary: 'Grant a role: administrator, manager (of the station) or operator (administrators)' })
  @ApiOkResponse({ standardSchema: userSchema })
  grantRole(
    @CurrentPrincipal() principal: Principal,
    @Param('username', { schema: usernameParam }) username: string,
    @Param('role', { schema: roleParam }) role: GrantedRole,
  ): Promise<User> {
    return this.users.grantRole(principal, username, role);
  }

  @Delete(':username/roles/:role')
  @ApiOperation({ summary: 'Take a role away (administrators); the last administrator keeps theirs' })
  @ApiOkResponse({ standardSchema: userSchema })
  revokeRole(
    @CurrentPrincipal() principal: Principal,
    @Param('username', { schema: usernameParam }) username: string,
    @Param('role', { schema: roleParam }) role: GrantedRole,
  ): Promise<User> {
    return this.users.revokeRole(principal, username, role);
  }
}
