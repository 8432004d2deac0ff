import { posix } from 'node:path';
import { type Json, type JsonObject } from '#libs/contracts';
import { isObject, isStrings } from '../../json.js';
import { invalid, refused } from '../../refusal.js';
import { RECORD_FOLDER, type ContainerRecord } from '../container-record.js';
import { signalNumber } from './stop-signal.js';

/** What an engine gives a container that says nothing else. */
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const STOP_SECONDS = 10;

/** What is kept of the image's document. Throws CONTENT_REFUSED for an image of another platform than we have a kernel for. */
export function recordOf(document: JsonObject): ContainerRecord {
  const { os, architecture } = document;
  if (os !== 'linux' || architecture !== 'amd64') {
    throw refused(
      `only container images for linux/amd64 become disks; this one is for ${String(os)}/${String(architecture)}. Save the image for linux/amd64: docker pull --platform linux/amd64`,
    );
  }
  const text = (key: 'variant' | 'created' | 'author') => {
    const value = document[key];
    return typeof value === 'string' && value !== '' ? { [key]: value } : {};
  };
  const config = isObject(document.config) ? document.config : {};
  return { version: 1, os, architecture, ...text('variant'), ...text('created'), ...text('author'), config };
}

/** Entrypoint and Cmd, as an engine puts them together. */
export const commandOf = (config: JsonObject): string[] => [
  ...strings(config.Entrypoint, 'Entrypoint'),
  ...strings(config.Cmd, 'Cmd'),
];

/**
 * What the guest's first process reads, a shell script: `hostname`, `workdir` and so on, and a function `start` that becomes the container's process.
 * Throws CONTENT_REFUSED where the image names nothing to start.
 */
export function guestSettings(config: JsonObject): string {
  const command = commandOf(config);
  if (command.length === 0)
    throw refused('the container image has neither an Entrypoint nor a Cmd: a machine made of it would not know what to start');
  const own = strings(config.Env, 'Env').filter((variable) => /^[^=-][^=]*=/.test(variable));
  const environment = own.some((variable) => variable.startsWith('PATH=')) ? own : [PATH, ...own];
  // gosu sets the user's own, whatever was there.
  const home = own.findLast((variable) => variable.startsWith('HOME='));
  const seconds = config.StopTimeout;
  const bin = `/${RECORD_FOLDER}/bin`;
  return [
    `hostname=${quoted(text(config.Hostname, 'Hostname'))}`,
    `workdir=${quoted(posix.join('/', text(config.WorkingDir, 'WorkingDir')))}`,
    `stopsignal=${signalNumber(text(config.StopSignal, 'StopSignal'))}`,
    `stoptimeout=${typeof seconds === 'number' && seconds > 0 && seconds < 3600 ? Math.ceil(seconds) : STOP_SECONDS}`,
    `input=${config.OpenStdin === true ? '/dev/console' : '/dev/null'}`,
    'start() {',
    `  exec ${bin}/busybox setsid ${bin}/busybox env -i HOSTNAME="$hostname" ${environment.map(quoted).join(' ')} \\`,
    // The engine's own rules for users: names and numbers, groups, HOME.
    `    ${bin}/gosu ${quoted(text(config.User, 'User') || '0')} \\`,
    `    ${home === undefined ? '' : `${bin}/busybox env ${quoted(home)} `}${command.map(quoted).join(' ')}`,
    '}',
    '',
  ].join('\n');
}

function strings(value: Json | undefined, key: string): string[] {
  if (value === undefined || value === null) return [];
  if (!isStrings(value)) throw invalid(`${key} in the image config is not a list of strings`);
  return value.map((item) => text(item, key));
}

function text(value: Json | undefined, key: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw invalid(`${key} in the image config is not a string`);
  if (value.includes('\0')) throw invalid(`${key} in the image config holds a zero byte`);
  return value;
}

/** One word for the shell, whatever is in it. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
