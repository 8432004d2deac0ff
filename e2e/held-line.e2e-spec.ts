import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tempDir, type TempDir } from '#libs/testing';
import { lineTo, type HeldLine } from './held-line.js';

const ANSWER = 'the whole answer';

let folder: TempDir;
let path: string;
let server: Server;
let line: HeldLine;
/** What the server does with its next connection. */
let answer: (socket: Socket) => void;

beforeAll(async () => {
  folder = await tempDir();
  path = join(folder.path, 'engine.sock');
  server = createServer((socket) => answer(socket.resume()));
  await once(server.listen(path), 'listening');
  line = await lineTo(path);
});
afterAll(async () => {
  await line[Symbol.asyncDispose]();
  await once(server.close(), 'close');
  await folder.remove();
});

test('what was answered comes through to its end, though who answered has hung up meanwhile', async () => {
  const hungUp = new Promise((resolve) => (answer = (socket) => socket.end(ANSWER, () => resolve(true))));
  line.holdAfter(0);
  const client = dial();
  await hungUp;
  // When the server has answered somebody else, the line has seen it hang up.
  answer = (socket) => socket.end(ANSWER);
  expect(await text(connect(path))).toBe(ANSWER);
  line.letGo();
  expect(await text(client)).toBe(ANSWER);
});

test('that a client is gone is seen while its answer is held', async () => {
  const answering = new Promise<Socket>((resolve) => {
    answer = (socket) => (socket.write(ANSWER), resolve(socket));
  });
  line.holdAfter(0);
  const client = dial();
  const socket = await answering;
  client.destroy();
  await once(socket, 'close');
  line.letGo();
});

const dial = () => connect(line.location.replace('unix://', ''));
