import { expect, test } from '@jest/globals';
import { toolFailure, wallClockExceeded, type ToolEnd } from './tool-failure.js';

const run = {
  ...{ command: 'qemu-img', args: [], reads: ['/srv/blobs/sha256/ab/abcd'], folder: '/srv/blobs/staging/job.1' },
  ...{ limits: { memoryBytes: 2 ** 31, cpuSeconds: 20, fileBytes: 2 ** 40, wallSeconds: 60 }, harmlessCodes: [3] },
  signal: new AbortController().signal,
};
const failure = (end: Partial<ToolEnd>, said = '') => toolFailure(run, { code: null, signal: null, ...end }, said);

test.each([0, 3])('an exit code of %i is no failure', (code) => {
  expect(failure({ code }, 'No space left on device')).toBeNull();
});

test.each<[string, Partial<ToolEnd>, string, string, string]>([
  ['the tool refuses the content', { code: 1 }, 'qemu-img: Image is corrupt\n', 'CONTENT_REFUSED', 'Image is corrupt'],
  ['it says nothing', { code: 1 }, '', 'CONTENT_REFUSED', 'ended with 1'],
  ['it crashes', { signal: 'SIGSEGV' }, '', 'CONTENT_REFUSED', 'ended with SIGSEGV'],
  ['it crashes in a sandbox', { code: 139 }, '', 'CONTENT_REFUSED', 'ended with SIGSEGV'],
  ['it takes too long', { signal: 'SIGXCPU' }, '', 'CONTENT_REFUSED', '20 s of a processor'],
  ['it takes too long in a sandbox', { code: 152 }, '', 'CONTENT_REFUSED', '20 s of a processor'],
  ['a file becomes too large', { signal: 'SIGXFSZ' }, '', 'CONTENT_REFUSED', '1024 GiB'],
  ['a file becomes too large, as it says itself', { code: 1 }, 'File too large', 'CONTENT_REFUSED', '1024 GiB'],
  ['it gets no more memory', { code: 1 }, 'Cannot allocate memory', 'CONTENT_REFUSED', '2 GiB of memory'],
  ['it gives up without memory', { signal: 'SIGABRT' }, '', 'CONTENT_REFUSED', '2 GiB of memory'],
  ['the disk is full', { code: 1 }, 'No space left on device', 'STORAGE_FULL', 'make room'],
  ['somebody kills it', { signal: 'SIGKILL' }, '', 'UNAVAILABLE', 'from outside'],
])('where %s', (_, end, said, code, words) => {
  expect(failure(end, said)).toMatchObject({ code, message: expect.stringContaining(words) });
});

test('names no place of this machine, and prints nothing that is no text', () => {
  const said = "qemu-img: Could not open '/srv/blobs/sha256/ab/abcd' for /srv/blobs/staging/job.1/disk\x1b[2J\n";
  expect(failure({ code: 1 }, said)?.message).toBe(
    "qemu-img cannot work with this content: qemu-img: Could not open 'abcd' for disk[2J",
  );
});

test('says how long it would have waited', () => {
  expect(wallClockExceeded('qemu-img', run.limits)).toMatchObject({ code: 'CONTENT_REFUSED' });
  expect(wallClockExceeded('qemu-img', run.limits).message).toContain('within 60 s');
});
