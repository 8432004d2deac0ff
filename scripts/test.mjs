#!/usr/bin/env node
/**
 * npm test: installs and builds where that is due, runs the tests from the fastest to the slowest kind, and ends with what was skipped and why,
 * and a line of sums.
 *
 *   npm test -- [unit|integration|e2e]… [any of jest's arguments, as a path or -t 'name']
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { prepare, root, runToEnd, say } from './prepare.mjs';

/** Services of their own, killed and restarted, leave little of two cores for a second end to end test. */
const KINDS = { unit: [], integration: ['--maxWorkers=2'], e2e: ['--runInBand'] };

const args = process.argv.slice(2);
const chosen = args.filter((arg) => arg in KINDS);
const rest = args.filter((arg) => !(arg in KINDS));

process.chdir(root);
await prepare({ forTests: true });

const sums = { passed: 0, failed: 0, skipped: 0 };
const skipped = [];
const failed = [];
let interrupted = false;
for (const kind of chosen.length > 0 ? chosen : Object.keys(KINDS)) {
  if (!interrupted) interrupted = await runKind(kind);
}
report();
process.exitCode = sums.failed > 0 || interrupted ? 1 : 0;

/** Returns whether the run was broken off. */
async function runKind(kind) {
  say(`\n── ${kind} tests`);
  const folder = mkdtempSync(join(tmpdir(), 'vice-test-'));
  const output = join(folder, 'result.json');
  const onCi = process.env.CI === 'true' ? ['--forceExit'] : [];
  const { code, signal } = await runToEnd(
    process.execPath,
    [
      ...[
        '--experimental-vm-modules',
        '--no-warnings',
        'node_modules/jest/bin/jest.js',
        '--selectProjects',
        kind,
        '--passWithNoTests',
      ],
      ...['--json', `--outputFile=${output}`, ...KINDS[kind], ...onCi, ...rest],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  try {
    const before = sums.failed;
    count(JSON.parse(readFileSync(output, 'utf8')));
    if (code !== 0 && sums.failed === before) fail(`the ${kind} tests ended with ${code ?? signal}`);
  } catch {
    fail(`the ${kind} tests ended with ${code ?? signal} and no result`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return signal !== null || code > 128;
}

function count({ testResults }) {
  for (const file of testResults) {
    const path = relative(root, file.name);
    if (file.assertionResults.length === 0 && file.status === 'failed') fail(`${path} could not be run`);
    for (const { status, fullName } of file.assertionResults) {
      if (status === 'passed') sums.passed++;
      else if (status === 'failed') fail(`${path}: ${fullName}`);
      else {
        sums.skipped++;
        skipped.push(`${path}: ${fullName}`);
      }
    }
  }
}

function fail(what) {
  sums.failed++;
  failed.push(what);
}

function report() {
  for (const [title, lines] of Object.entries({ Skipped: skipped, Failed: failed })) {
    if (lines.length > 0) console.log(`\n${title}:\n${lines.map((line) => `  ${line}`).join('\n')}`);
  }
  console.log(`\n${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
}
