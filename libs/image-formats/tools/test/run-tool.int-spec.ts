import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { describeWith, projectRoot, tempDir, tool, until, type TempDir } from '#libs/testing';
import { bare, bestConfinement, type Confinement } from '../confinement.js';
import { runTool, type ToolRun } from '../run-tool.js';

const run = promisify(execFile);
const MiB = 1 << 20;
const LIMITS = { memoryBytes: 1024 * MiB, cpuSeconds: 20, fileBytes: 64 * MiB, wallSeconds: 60 };

let temp: TempDir;
let folder: string;
let abort: AbortController;

beforeEach(async () => {
  temp = await tempDir();
  folder = join(temp.path, 'work');
  await mkdir(folder);
  abort = new AbortController();
});
afterEach(() => temp.remove());

const toolRun = (command: string, args: string[], more: Partial<ToolRun> = {}): ToolRun => ({
  ...{ command, args, reads: [], folder, limits: LIMITS, signal: abort.signal },
  ...more,
});

function describeAnyTool(confinement: Confinement): void {
  const shell = (script: string, more?: Partial<ToolRun>) => runTool(toolRun('sh', ['-c', script], more), confinement);

  test('answers what it prints, and tells of all that it prints as it comes', async () => {
    let heard = '';
    const answer = await shell('echo out; echo err >&2', { onOutput: (text) => (heard += text) });
    expect(answer).toBe('out\n');
    expect(heard.split('\n').sort()).toEqual(['', 'err', 'out']);
  });

  test('works in its folder, with an environment that holds nothing of ours', async () => {
    const answer = await shell('pwd; env');
    const [first, ...variables] = answer.trim().split('\n');
    expect(first).toBe(folder);
    expect(
      variables
        .map((line) => line.split('=')[0])
        .filter((name) => name !== '_')
        .sort(),
    ).toEqual(['HOME', 'LANG', 'PATH', 'PWD'].concat(answer.includes('OLDPWD') ? ['OLDPWD'] : []).sort());
    expect(variables).toContain(`HOME=${folder}`);
  });

  test('is given what it reads on its standard input', async () => {
    const bytes = randomBytes(3 * MiB);
    const input = Readable.from([bytes.subarray(0, MiB), bytes.subarray(MiB)]);
    expect(await runTool(toolRun('sha256sum', [], { input }), confinement)).toContain(
      createHash('sha256').update(bytes).digest('hex'),
    );
  });

  test('may leave its input unread', async () => {
    expect(await shell('echo enough', { input: Readable.from([Buffer.alloc(8 * MiB)]) })).toBe('enough\n');
  });

  test('ends with the fault of its input', async () => {
    const input = Readable.from(
      (async function* () {
        yield Buffer.alloc(10);
        throw new Error('the source broke');
      })(),
    );
    await expect(shell('cat >/dev/null; sleep 600', { input })).rejects.toThrow('the source broke');
  });

  test('that fails is told of in its own last words', async () => {
    await expect(shell('echo first; echo "this is no image" >&2; exit 3')).rejects.toMatchObject({
      code: 'CONTENT_REFUSED',
      message: expect.stringContaining('this is no image'),
    });
    await expect(shell('exit 3')).rejects.toThrow('ended with 3');
  });

  test('that is not installed is told of with the script that installs it', async () => {
    await expect(runTool(toolRun('no-such-tool', []), confinement)).rejects.toMatchObject({
      code: 'TOOLS_MISSING',
      message: expect.stringContaining('scripts/install-tools.sh'),
    });
  });

  test.each([
    [
      'memory',
      'exec dd if=/dev/zero of=/dev/null bs=500M count=1',
      { memoryBytes: 128 * MiB },
      'needed more than 134217728 bytes of memory',
    ],
    ['processor time', 'while :; do :; done', { cpuSeconds: 1 }, 'more than 1 s of a processor'],
    ['size of a file', 'exec head -c 2000000 /dev/zero >big', { fileBytes: MiB }, 'a file of more than 1048576 bytes'],
    ['time', 'sleep 600', { wallSeconds: 1 }, 'did not end within 1 s'],
  ])('is stopped at its limit of %s, and that is said', async (_, script, limit, words) => {
    await expect(shell(script, { limits: { ...LIMITS, ...limit } })).rejects.toMatchObject({
      code: 'CONTENT_REFUSED',
      message: expect.stringContaining(words),
    });
    const { size } = await stat(join(folder, 'big')).catch(() => ({ size: 0 }));
    expect(size).toBeLessThanOrEqual(MiB);
  });

  test('is ended some seconds after its limit of processor time where it ignores that', async () => {
    const deaf = { limits: { ...LIMITS, cpuSeconds: 1, wallSeconds: 600 } };
    expect(await shell('ulimit -St; ulimit -Ht', deaf)).toBe('1\n6\n');
    await expect(shell(`trap '' XCPU; while :; do :; done`, deaf)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('limit of 1 s of a processor'),
    });
  }, 120_000);

  test('that fills the disk is tried again later', async () => {
    await expect(shell('echo "write failed: No space left on device" >&2; exit 1')).rejects.toMatchObject({
      code: 'STORAGE_FULL',
      transient: true,
    });
  });

  test('does not begin for a job that has been stopped', async () => {
    abort.abort(new Error('cancelled'));
    await expect(shell('touch begun')).rejects.toThrow('cancelled');
    expect(existsSync(join(folder, 'begun'))).toBe(false);
  });

  test('goes with all that it started when its job is stopped, whatever it ignores', async () => {
    const running = shell(`trap '' TERM INT HUP; sleep 600 & touch begun; wait; :`);
    await until(() => existsSync(join(folder, 'begun')), { what: 'the tool has begun' });
    await until(async () => (await processesIn(folder)).length > 1, { what: 'its processes are seen' });
    abort.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
    await until(async () => (await processesIn(folder)).length === 0, { what: 'nothing is left' });
  });

  test('leaves nothing behind that it put into the background', async () => {
    await shell('sleep 600 >/dev/null 2>&1 & exit 0');
    await until(async () => (await processesIn(folder)).length === 0, { what: 'nothing is left' });
  });

  test('goes with all that it started when this process is killed', async () => {
    const script = `(sleep 600 & sleep 600) & touch begun; sleep 600`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', ownerOf(script)], { stdio: 'ignore' });
    await until(() => existsSync(join(folder, 'begun')), { what: 'the tool has begun' });
    owner.kill('SIGKILL');
    await until(async () => (await processesIn(folder)).length === 0, { what: 'nothing is left' });
  });

  /** A program that runs a tool and does nothing else, from the build. */
  function ownerOf(script: string): string {
    const built = (name: string) => JSON.stringify(join(projectRoot, 'dist/libs/image-formats/tools', name));
    const what = JSON.stringify({ command: 'sh', args: ['-c', script], reads: [], folder, limits: LIMITS });
    return `
      import { runTool } from ${built('run-tool.js')};
      import { bare, bestConfinement } from ${built('confinement.js')};
      const signal = new AbortController().signal;
      await runTool({ ...${what}, signal }, ${confinement.name === 'bare' ? 'bare' : 'await bestConfinement()'});`;
  }
}

/** Ids of processes that work in the folder. */
async function processesIn(path: string): Promise<string[]> {
  const { stdout } = await run('sh', ['-c', 'for p in /proc/[0-9]*; do echo "$p $(readlink $p/cwd)"; done']);
  return stdout.split('\n').filter((line) => line.endsWith(` ${path}`));
}

describe('a tool without a sandbox', () => describeAnyTool(bare));

const sandbox = {
  what: 'a working bubblewrap',
  find: async () => {
    const best = await bestConfinement();
    if (best.name === 'bare') throw new Error('bwrap is not installed, or may not make namespaces here');
    return best;
  },
};

await describeWith([sandbox], 'a tool in the sandbox', (confinement) => {
  describeAnyTool(confinement);

  const shell = (script: string, more?: Partial<ToolRun>) => runTool(toolRun('sh', ['-c', script], more), confinement);

  test('sees of the machine only its programs, what it was given, and its folder', async () => {
    const given = join(temp.path, 'given');
    const other = join(temp.path, 'other');
    await Promise.all([given, other].map((path) => writeFile(path, 'bytes')));
    expect(await shell(`cat ${given}`, { reads: [given] })).toBe('bytes');
    await expect(shell(`cat ${other}`, { reads: [given] })).rejects.toThrow('No such file');
    expect(
      (await shell('ls -A /; ls -A /etc; ls -A /root 2>/dev/null; ls -A /home 2>/dev/null; true')).split('\n'),
    ).not.toContain('passwd');
  });

  test('can write nothing outside its folder that would last', async () => {
    const given = join(temp.path, 'given');
    await writeFile(given, 'bytes');
    // Opened and no more, so that a sandbox that lets it does no harm to this machine.
    const kernel = ['/proc/sys/kernel/core_pattern', '/proc/self/oom_score_adj'];
    for (const path of [given, '/usr/x', '/etc/x', '/x', ...kernel])
      await expect(shell(`exec 3>>${path}`, { reads: [given] })).rejects.toThrow('Read-only file system');
    expect(await readFile(given, 'utf8')).toBe('bytes');
    const beside = join(temp.path, 'beside');
    await shell(`echo kept >file; echo lost >${beside}`);
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('kept\n');
    expect(existsSync(beside)).toBe(false);
  });

  test('has no network, and no process but its own', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await until(() => server.listening, { what: 'the server listens' });
    try {
      const { port } = server.address() as AddressInfo;
      const connect = `exec 3<>/dev/tcp/127.0.0.1/${port}`;
      await expect(runTool(toolRun('bash', ['-c', connect]), bare)).resolves.toBe('');
      await expect(runTool(toolRun('bash', ['-c', connect]), confinement)).rejects.toThrow(/refused|unreachable/i);
    } finally {
      server.close();
    }
    expect(Number(await shell('ls -d /proc/[0-9]* | wc -l'))).toBeLessThan(8);
  });

  test('has no rights over what is not its own', async () => {
    expect(await shell('grep CapEff /proc/self/status')).toMatch(/CapEff:\s+0+\n/);
    await expect(shell('mount -t tmpfs none /tmp')).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });
});

await describeWith(
  [sandbox, tool('qemu-img')],
  'qemu-img in the sandbox, were it given what inspection refuses',
  (confinement) => {
    test('cannot leak a file of this machine through a backing file', async () => {
      const leaking = join(temp.path, 'leaking.qcow2');
      await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', leaking, '1M']);
      const convert = ['convert', '-f', 'qcow2', '-O', 'raw', leaking, join(folder, 'out')];
      const leak = (by: Confinement) => runTool(toolRun('qemu-img', convert, { reads: [leaking] }), by);
      await leak(bare);
      expect(await readFile(join(folder, 'out'), 'latin1')).toContain('root:');
      await expect(leak(confinement)).rejects.toThrow('/etc/passwd');
    });
  },
);
