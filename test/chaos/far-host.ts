import { atTheEnd } from '../bench/pieces/tidy-up.ts';
import { missingPrograms } from '../support/missing-programs.ts';
import { SSHD_PROGRAMS, startSshd, type TestSshd } from '../support/sshd.ts';
import type { Places } from './places.ts';

/** What the station calls the other machine. */
export const FAR_HOST = 'far';

/** A machine that the station reaches by ssh alone: an sshd of this one. Its files lie where the detectors write. */
export async function farHostIn({ folder, detector }: Places): Promise<TestSshd | string> {
  const missing = missingPrograms(...SSHD_PROGRAMS);
  if (missing.length > 0) {
    return `${missing.join(', ')} is not installed (apt-get install openssh-server openssh-client rsync)`;
  }
  const sshd = await startSshd({ sourceRoots: [detector] }, folder);
  atTheEnd(() => sshd.dispose());
  return sshd;
}
