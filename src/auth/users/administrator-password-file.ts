import { Logger } from '@nestjs/common';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../kernel/errors.js';

/** The account that a new station starts with. */
export const FIRST_ADMINISTRATOR = 'admin';

/** `<data directory>/admin-password`: the generated password of the first administrator, until they change it. */
export class AdministratorPasswordFile {
  readonly path: string;
  private readonly logger = new Logger(AdministratorPasswordFile.name);

  constructor(private readonly dataDir: string) {
    this.path = join(dataDir, 'admin-password');
  }

  /** Whole or not at all, durable, and at no moment readable by others. */
  async write(password: string): Promise<void> {
    const temporary = `${this.path}.${process.pid}.tmp`;
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${password}\n`);
      await file.chmod(0o600);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.path);
    const directory = await open(this.dataDir, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /** The password in it is worthless by now, so failing to remove it is worth a warning and no more. */
  async remove(): Promise<void> {
    try {
      await rm(this.path, { force: true });
    } catch (error) {
      this.logger.warn(`cannot remove ${this.path}, please do: ${messageOf(error)}`);
    }
  }
}
