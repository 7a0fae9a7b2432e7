import { afterAll, beforeAll } from 'vitest';
import { RsyncPull } from '../../../src/storage/engines/rsync/rsync-pull.js';
import { RsyncPush } from '../../../src/storage/engines/rsync/rsync-push.js';
import { ShellDestination } from '../../../src/storage/engines/shell-destination.js';
import { ShellSource } from '../../../src/storage/engines/shell-source.js';
import { StagedTransferEngine } from '../../../src/storage/engines/staged-transfer-engine.js';
import { LocalShell } from '../../../src/storage/shell/local-shell.js';
import { SshShell } from '../../../src/storage/shell/ssh-shell.js';
import { describeWithPrograms } from '../../support/needs-program.js';
import { SSHD_PROGRAMS, startSshd, type TestSshd } from '../../support/sshd.js';
import { transferEngineContract } from './transfer-engine.suite.js';

describeWithPrograms('rsync over ssh', SSHD_PROGRAMS, () => {
  let sshd: TestSshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.dispose());

  transferEngineContract('rsync push', () => {
    const shell = new SshShell('store', sshd.host);
    return new StagedTransferEngine(
      new ShellSource(new LocalShell()),
      new ShellDestination(shell, {}),
      new RsyncPush(shell),
      () => shell.close(),
    );
  });

  transferEngineContract('rsync pull', () => {
    const shell = new SshShell('detector', sshd.host);
    return new StagedTransferEngine(
      new ShellSource(shell),
      new ShellDestination(new LocalShell(), {}),
      new RsyncPull(shell),
      () => shell.close(),
    );
  });
});
