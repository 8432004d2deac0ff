/**
 * Brings this clone into a state in which its programs run: dependencies as the lock file says, and a build of the present sources.
 * Plain Node and no dependencies, because nothing is installed yet. When all is fresh it takes a tenth of a second.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const stamp = join(dist, '.sources');
const lock = join(root, '.prepare.lock');

/** What a build is made from, besides its sources. */
const BUILD_FILES = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];
const SOURCES = ['apps', 'libs', 'bench'];
const isShipped = (path) => !/(^|\/)test\/|\.(int-)?spec\.ts$/.test(path);

/** Installs and builds where that is due. `forTests`: also what only building and testing need must be installed. */
export async function prepare({ forTests = false } = {}) {
  requireNode(20, 19);
  if (isReady(forTests)) return;
  await withLock(async () => {
    if (!isInstalled(forTests || !isBuilt())) {
      say('installing dependencies (npm ci) …');
      await run(...npm('ci', '--no-audit', '--no-fund', '--loglevel=error'));
    }
    if (!isBuilt()) await build();
  });
}

/** Builds the sources into dist/, and remembers of which sources. */
export async function build() {
  say('building …');
  rmSync(stamp, { force: true });
  const sources = fingerprint();
  await run(process.execPath, [join(root, 'node_modules/@nestjs/cli/bin/nest.js'), 'build']);
  removeOutputsWithoutSource();
  mkdirSync(dist, { recursive: true });
  writeFileSync(stamp, sources);
}

/** Runs a program to its end in the root folder; when it fails, this process ends with its exit code. Signals go on to it. */
export async function run(command, args, options = {}) {
  const { code, signal } = await runToEnd(command, args, options);
  if (code !== 0) process.exit(code ?? 128 + (signal === 'SIGINT' ? 2 : 15));
}

export async function runToEnd(command, args, options = {}) {
  // what it prints goes to stderr: stdout belongs to the program that is started in the end
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  const forward = (signal) => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  try {
    return await new Promise((done, failed) => {
      child.once('error', failed).once('exit', (code, signal) => done({ code, signal }));
    });
  } finally {
    process.off('SIGINT', forward).off('SIGTERM', forward);
  }
}

export function say(text) {
  process.stderr.write(`${text}\n`);
}

function requireNode(...wanted) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) return;
  say(
    `Node ${wanted.join('.')} or newer is needed, and this is ${process.versions.node}. Node 24 is recommended: https://nodejs.org/`,
  );
  process.exit(1);
}

const isReady = (forTests) => isBuilt() && isInstalled(forTests);

/** Whether node_modules/ holds each package of the lock file in its version. npm keeps a list of what it has installed there. */
function isInstalled(withDev) {
  const installed = readJson('node_modules/.package-lock.json')?.packages;
  if (!installed) return false;
  return Object.entries(readJson('package-lock.json').packages).every(([path, wanted]) => {
    const found = installed[path];
    if (path === '' || wanted.link) return true;
    // absent: made for another platform, or not asked for
    if (!found) return wanted.optional === true || wanted.devOptional === true || (wanted.dev === true && !withDev);
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

function isBuilt() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint();
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const path of [...BUILD_FILES, ...SOURCES.flatMap(filesIn)].filter(isShipped)) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** All files below, as paths from the root, in a fixed order. */
function filesIn(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesIn(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`]));
}

/** The compiler leaves what it once made: a migration that was renamed must not run under both names. */
function removeOutputsWithoutSource() {
  for (const path of SOURCES.flatMap((folder) => filesIn(`dist/${folder}`))) {
    const source = relative('dist', path).replace(/\.js(\.map)?$/, '.ts');
    if (source.endsWith('.ts') && !existsSync(join(root, source))) unlinkSync(join(root, path));
  }
}

/** Several services may be started at once in a fresh clone: one of them prepares it, the others wait. */
async function withLock(work) {
  while (!takeLock()) await new Promise((done) => setTimeout(done, 200));
  process.once('exit', releaseLock);
  try {
    await work();
  } finally {
    process.off('exit', releaseLock);
    releaseLock();
  }
}

function takeLock() {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const holder = Number(readFileSync(lock, { encoding: 'utf8', flag: 'a+' }));
  if (holder > 0 && !isAlive(holder)) releaseLock();
  return false;
}

function releaseLock() {
  rmSync(lock, { force: true });
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function npm(...args) {
  const own = process.env.npm_execpath;
  return own?.endsWith('.js') ? [process.execPath, [own, ...args]] : ['npm', args];
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(resolve(root, path), 'utf8'));
  } catch {
    return null;
  }
}
