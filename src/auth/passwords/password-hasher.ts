import { hash, parseOptions, verify } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';

/**
 * argon2id with OWASP's first recommendation for servers (Password Storage Cheat Sheet): 19 MiB, two passes, one lane;
 * about 25 ms a check. Stored hashes name their own parameters, so raising these needs no migration.
 */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Hashes and checks passwords in the library's own threads; the event loop only waits. */
@Injectable()
export class PasswordHasher {
  private decoy: Promise<string> | undefined;

  hash(password: string): Promise<string> {
    return hash(password, PARAMETERS);
  }

  /**
   * Whether the password fits. Without a hash (unknown user, account without password) a decoy is checked instead, so
   * that the time taken does not tell which users exist.
   */
  async verify(passwordHash: string | null, password: string): Promise<boolean> {
    if (passwordHash !== null) {
      return verify(passwordHash, password);
    }
    this.decoy ??= this.hash('no account has this password');
    await verify(await this.decoy, password);
    return false;
  }

  /** Whether the hash was made with other parameters than a new one would be. */
  isOutdated(passwordHash: string): boolean {
    const { memoryCost, timeCost, parallelism } = parseOptions(passwordHash);
    return (
      memoryCost !== PARAMETERS.memoryCost || timeCost !== PARAMETERS.timeCost || parallelism !== PARAMETERS.parallelism
    );
  }
}
