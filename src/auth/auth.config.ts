import { z } from 'zod';

/** Section `auth` of the configuration. */
export const authConfigSchema = z.strictObject({
  /** A session that nobody uses for this long ends. A night shift long, so that a screen survives it. */
  sessionIdleSeconds: z.int().min(1).max(31_536_000).default(43_200),
  /** A session ends after this long whatever happens. */
  sessionAbsoluteSeconds: z.int().min(1).max(31_536_000).default(604_800),
  /** The oldest session of a user gives way to one more than this, so that scripts that log in each minute stay bounded. */
  maxSessionsPerUser: z.int().min(1).max(10_000).default(200),

  /** Failed logins as one user from one address within the window. */
  loginAttemptsPerUserAndAddress: z.int().min(1).default(10),
  /** Failed logins as one user from all addresses: far above the former, or anybody could lock anybody out. */
  loginAttemptsPerUser: z.int().min(1).default(100),
  /** Failed logins from one address as any user: a whole control room may share one. */
  loginAttemptsPerAddress: z.int().min(1).default(100),
  loginWindowSeconds: z.int().min(1).max(86_400).default(900),

  /** NIST SP 800-63B asks for eight or more and for no rules about kinds of characters. */
  passwordMinLength: z.int().min(8).max(128).default(8),

  /** Lifetime of an API token whose creator names none. */
  tokenDefaultDays: z.int().min(1).max(3650).default(365),
  tokenMaxDays: z.int().min(1).max(3650).default(1095),
  maxTokensPerUser: z.int().min(1).default(100),

  /** How long a looked-up caller is believed without asking the database again. Changes made here apply at once. */
  principalCacheSeconds: z.number().min(0).max(60).default(5),
  /** Origins besides the station's own whose pages may send changes with the session cookie (`https://dm.example.org`). */
  allowedOrigins: z.array(z.url()).default([]),
});

export type AuthConfig = z.infer<typeof authConfigSchema>;

/** Injection token of this module's own section. */
export const AUTH_CONFIG = Symbol('AuthConfig');

declare module '../platform/config/station-config.js' {
  interface StationConfig {
    readonly auth: AuthConfig;
  }
}
