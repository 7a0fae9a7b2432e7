import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { RemoteSourceTree } from '../../../src/daq/source/remote/remote-source-tree.js';
import type { Shell } from '../../../src/storage/shell/shell.port.js';
import { SshShell } from '../../../src/storage/shell/ssh-shell.js';
import { describeWithPrograms } from '../../support/needs-program.js';
import { SSHD_PROGRAMS, startSshd, type TestSshd } from '../../support/sshd.js';
import { describeSourceTree, TAKES_ALL } from './source-tree.suite.js';

const LIMIT_MS = 3000;

describeWithPrograms(RemoteSourceTree.name, SSHD_PROGRAMS, () => {
  let sshd: TestSshd;
  let shell: SshShell;
  let folder: string;
  const opened: RemoteSourceTree[] = [];

  beforeAll(async () => {
    sshd = await startSshd();
    shell = new SshShell('det', sshd.host);
  });
  afterAll(async () => {
    await shell.close();
    await sshd.dispose();
  });
  beforeEach(() => {
    folder = mkdtempSync('/tmp/dm-far-');
    ['roots/source', 'elsewhere'].forEach((path) => mkdirSync(join(folder, path), { recursive: true }));
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((tree) => tree.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  function open(directory = 'roots/source', through: Shell = shell, limitMs = 20_000): RemoteSourceTree {
    const tree = new RemoteSourceTree(
      { host: 'det', directory: Buffer.from(join(folder, directory)) },
      { roots: () => [join(folder, 'roots')], shell: () => through, limitMs },
    );
    opened.push(tree);
    return tree;
  }
  const write = (path: string, content = 'x') => writeFileSync(join(folder, 'roots/source', path), content);

  describeSourceTree({ folder: () => folder, open: (directory) => open(directory) });

  it('cannot be looked at while the server is away, concludes nothing, and goes on', async () => {
    write('a');
    const tree = open();
    expect(await tree.presence(null)).toMatchObject({ isThere: true });
    await sshd.stop();
    expect(await tree.presence(null)).toMatchObject({ isThere: false, code: 'unreachable' });
    await expect(tree.look([Buffer.from('a')])).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(tree.scan({ pass: 'full', filter: TAKES_ALL }).next()).rejects.toMatchObject({ kind: 'unavailable' });
    await sshd.start();
    expect(await tree.presence(null)).toMatchObject({ isThere: true });
    expect(await tree.look([Buffer.from('a')])).toMatchObject([{ sizeBytes: 1n }]);
  });

  it('breaks a pass off whose connection is cut, and begins it anew', async () => {
    for (let at = 0; at < 20_000; at += 1) {
      write(`${at}-${'long'.repeat(40)}`);
    }
    const tree = open();
    const scan = tree.scan({ pass: 'full', filter: TAKES_ALL });
    await scan.next();
    sshd.cut();
    await expect(
      (async () => {
        for await (const batch of scan) {
          expect(batch.files.length).toBeGreaterThan(0);
        }
      })(),
    ).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' });
    let files = 0;
    for await (const batch of tree.scan({ pass: 'full', filter: TAKES_ALL })) {
      files += batch.files.length;
    }
    expect(files).toBe(20_000);
  });

  it('throws when its directory is gone, instead of taking its files for gone', async () => {
    write('a');
    const tree = open();
    rmSync(join(folder, 'roots/source'), { recursive: true });
    await expect(tree.look([Buffer.from('a')])).rejects.toMatchObject({ code: 'SOURCE_LOST' });
    expect(await tree.presence(null)).toMatchObject({ isThere: false, code: 'missing' });
  });

  it('gives a host up that is silent, for a while', async () => {
    let asked = 0;
    const silent: Shell = {
      place: 'the host det (a test)',
      run: () => expect.fail('not asked so'),
      async *stream(_script, _fields, _complaints, signal) {
        asked += 1;
        await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      },
      close: () => Promise.resolve(),
    };
    const tree = open('roots/source', silent, LIMIT_MS);
    expect(await tree.presence(null)).toMatchObject({ isThere: false, code: 'no-answer' });
    await expect(tree.look([Buffer.from('a')])).rejects.toMatchObject({ code: 'SOURCE_NO_ANSWER' });
    expect(asked).toBe(1);
    expect(tree.isBusy).toBe(false);
  });

  it('removes nothing outside of the source roots, and carries on with a removal that broke off', async () => {
    writeFileSync(join(folder, 'elsewhere/precious'), 'x');
    mkdirSync(join(folder, 'roots/source/d'));
    write('d/precious');
    write('a');
    const tree = open();
    const [far, near] = await tree.look(['d/precious', 'a'].map((path) => Buffer.from(path)));
    rmSync(join(folder, 'roots/source/d'), { recursive: true });
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'roots/source/d'));
    const identity = typeof far === 'object' ? far : expect.fail('no file');
    expect(await tree.remove(Buffer.from('d/precious'), identity)).toEqual({ status: 'failed', code: 'OUTSIDE_ROOTS' });
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual(['precious']);

    const other = typeof near === 'object' ? near : expect.fail('no file');
    expect(await tree.remove(Buffer.from('a'), { ...other, inode: 1n })).toMatchObject({ status: 'changed' });
    expect(await tree.remove(Buffer.from('a'), other)).toEqual({ status: 'removed' });
    expect(readdirSync(join(folder, 'roots/source'))).toEqual(['d']);
  });

  it('says where a file system is that it cannot list', async () => {
    const deep = join(folder, 'roots/source', ...Array.from({ length: 20 }, () => 'd'.repeat(200)));
    execFileSync('bash', [
      '-c',
      'p=$1; cd "$2"; for ((i=0;i<22;i++)); do mkdir "$p"; cd -P "./$p" 2>/dev/null || break; done',
      'bash',
      'd'.repeat(200),
      join(folder, 'roots/source'),
    ]);
    expect(deep.length).toBeGreaterThan(4000);
    const problems: string[] = [];
    for await (const batch of open().scan({ pass: 'full', filter: TAKES_ALL })) {
      batch.problems.forEach(({ code }) => problems.push(code));
    }
    expect(problems).toEqual(['ENAMETOOLONG']);
    execFileSync('rm', ['-rf', join(folder, 'roots/source')]);
  });
});
