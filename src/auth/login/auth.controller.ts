import { Body, Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { CookieOptions, Request, Response } from 'express';
import { Public } from '../../platform/http/index.js';
import { AUTH_CONFIG, type AuthConfig } from '../auth.config.js';
import { sessionRequired } from '../auth.errors.js';
import { CurrentIdentity } from '../credentials/current-principal.decorator.js';
import type { Identity } from '../credentials/identity.js';
import { SESSION_COOKIE } from '../credentials/request-credential.js';
import { PasswordsService } from '../passwords/passwords.service.js';
import { UsersService } from '../users/users.service.js';
import {
  type LoginAnswer,
  loginAnswerSchema,
  type LoginBody,
  loginSchema,
  type Me,
  meSchema,
  type PasswordChangeBody,
  passwordChangeSchema,
} from './login.schema.js';
import { LoginService } from './login.service.js';

@ApiTags('auth')
@Controller('api/v1/auth')
export class AuthController {
  constructor(
    private readonly logins: LoginService,
    private readonly passwords: PasswordsService,
    private readonly users: UsersService,
    @Inject(AUTH_CONFIG) private readonly config: AuthConfig,
  ) {}

  @Post('login')
  @Public()
  @HttpCode(200)
  @ApiOperation({ summary: 'Log in: answers a token and sets it as the cookie dm_session; either one is enough' })
  @ApiOkResponse({ standardSchema: loginAnswerSchema })
  async login(
    @Body({ schema: loginSchema }) body: LoginBody,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<LoginAnswer> {
    const login = await this.logins.login({ ...body, address: addressOf(request) });
    response.cookie(SESSION_COOKIE, login.token, {
      ...cookieOptions(request),
      maxAge: this.config.sessionAbsoluteSeconds * 1000,
    });
    response.setHeader('Cache-Control', 'no-store');
    return { ...login, passwordChangeRequired: login.user.passwordChangeRequired };
  }

  @Post('logout')
  @HttpCode(204)
  @ApiOperation({ summary: 'End this session. API tokens do not end so; revoke them' })
  @ApiNoContentResponse()
  async logout(
    @CurrentIdentity() identity: Identity,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    if (identity.credential.kind !== 'session') {
      throw sessionRequired('Logging out');
    }
    await this.logins.logout(identity);
    response.clearCookie(SESSION_COOKIE, cookieOptions(request));
  }

  @Get('me')
  @ApiOperation({ summary: 'Who you are here, and with which roles this credential acts' })
  @ApiOkResponse({ standardSchema: meSchema })
  async me(@CurrentIdentity() identity: Identity): Promise<Me> {
    const { principal, credential, expiresAt } = identity;
    const user = await this.users.get(principal, principal.username);
    return {
      user,
      credential: credential.kind,
      roles: [...principal.systemRoles, ...principal.stationRoles],
      expiresAt: expiresAt.toISOString(),
      passwordChangeRequired: user.passwordChangeRequired,
    };
  }

  @Post('password')
  @HttpCode(204)
  @ApiOperation({ summary: 'Change your password; ends all your other sessions, keeps your API tokens' })
  @ApiNoContentResponse()
  async changePassword(
    @CurrentIdentity() identity: Identity,
    @Body({ schema: passwordChangeSchema }) body: PasswordChangeBody,
    @Req() request: Request,
  ): Promise<void> {
    await this.passwords.change(identity, { ...body, address: addressOf(request) });
  }
}

/** Express derives it from X-Forwarded-For only where the station is told to trust a proxy. */
function addressOf(request: Request): string {
  return request.ip ?? 'unknown';
}

function cookieOptions(request: Request): CookieOptions {
  return { httpOnly: true, sameSite: 'strict', secure: request.secure, path: '/' };
}
