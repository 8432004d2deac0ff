import { type Json, type JsonObject } from '#libs/contracts';
import { isObject, isStrings } from '../../json.js';
import { invalid } from '../../refusal.js';

type Check = (value: Json | undefined) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isWhole: Check = Number.isSafeInteger;
const mapOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every((item) => item === null || check(item));
const fieldsOf =
  (types: Record<string, Check>): Check =>
  (value) =>
    isObject(value) && wrongKey(value, types) === undefined;

const HEALTHCHECK: Record<string, Check> = {
  Test: isStrings,
  ...{ Interval: isWhole, Timeout: isWhole, StartPeriod: isWhole, StartInterval: isWhole, Retries: isWhole },
};

/** Of the fields that engines know. An engine refuses the whole image where one of them is of another type. */
const TYPES: Record<string, Check> = {
  ...{
    Hostname: isText,
    Domainname: isText,
    User: isText,
    Image: isText,
    WorkingDir: isText,
    MacAddress: isText,
    StopSignal: isText,
  },
  ...{ AttachStdin: isFlag, AttachStdout: isFlag, AttachStderr: isFlag, Tty: isFlag, OpenStdin: isFlag, StdinOnce: isFlag },
  ...{ ArgsEscaped: isFlag, NetworkDisabled: isFlag, StopTimeout: isWhole, Healthcheck: fieldsOf(HEALTHCHECK) },
  ...{ Env: isStrings, Cmd: isStrings, Entrypoint: isStrings, OnBuild: isStrings, Shell: isStrings },
  ...{ ExposedPorts: mapOf(isObject), Volumes: mapOf(isObject), Labels: mapOf(isText) },
};

/** Throws CONTENT_INVALID. Null stands for what is not there, as engines write it. */
export function requireTypes(config: JsonObject): void {
  const wrong = wrongKey(config, TYPES);
  if (wrong !== undefined) throw invalid(`${wrong} in its config is not of the type that engines expect`);
}

function wrongKey(value: JsonObject, types: Record<string, Check>): string | undefined {
  return Object.keys(types).find((key) => {
    const field = Object.hasOwn(value, key) ? value[key] : null;
    return field !== null && !types[key]!(field);
  });
}

const TIME = /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** A time of RFC 3339, on a day that there is, without leap seconds, as engines read it. */
export function isTime(text: string): boolean {
  const day = TIME.exec(text)?.[1];
  const time = new Date(`${day ?? ''}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(`${day}T`);
}
