import { type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type EnvironmentAccess } from '../environment-provider.js';

/** A project, a user or a domain: by id where what the user gave is one, else by name. */
export type Named = { id: string } | { name: string };

/** What the credentials of an environment say, in the terms of Keystone v3. */
export interface CloudSettings {
  /** Of Keystone, as the user gave it. */
  location: URL;
  login: PasswordLogin | ApplicationCredential;
  /** null: the only one of the catalogue. */
  region: string | null;
  interface: 'public' | 'internal' | 'admin';
  /** PEM. */
  cacert: string | null;
  /** Takes any certificate. */
  insecure: boolean;
}

export interface PasswordLogin {
  kind: 'password';
  username: string;
  password: string;
  userDomain: Named;
  /** null: the user's default project. */
  project: Named | null;
  projectDomain: Named;
}

export interface ApplicationCredential {
  kind: 'application-credential';
  id: string;
  secret: string;
}

/** What a key of `specifics` may be called besides: in the words of openrc files and of older clients. */
const ALIASES: Readonly<Record<string, string>> = {
  tenant: 'project',
  tenantname: 'project',
  tenantid: 'project',
  projectname: 'project',
  projectid: 'project',
  regionname: 'region',
  domainname: 'domain',
  domainid: 'domain',
  userdomainname: 'userdomain',
  userdomainid: 'userdomain',
  projectdomainname: 'projectdomain',
  projectdomainid: 'projectdomain',
  endpointtype: 'interface',
};

const SCHEMES = ['https:', 'http:'];

/** Reads them; a fault raises ENVIRONMENT_MISCONFIGURED that says which field is at fault. Nothing is taken from `OS_*` variables. */
export function readSettings({ location, username, password, specifics }: EnvironmentAccess): CloudSettings {
  const given = new Given(specifics);
  const domain = given.text('domain') ?? 'Default';
  return {
    location: parsedLocation(location),
    login: applicationCredential(given) ?? passwordLogin(username, password, domain, given),
    region: given.text('region') ?? null,
    interface: interfaceOf(given.text('interface')),
    cacert: certificate(given.text('cacert')),
    insecure: given.flag('insecure'),
  };
}

function applicationCredential(given: Given): ApplicationCredential | null {
  const id = given.text('applicationCredentialId');
  const secret = given.text('applicationCredentialSecret');
  if (id === undefined && secret === undefined) return null;
  if (id === undefined || secret === undefined) {
    throw misconfigured(
      'an application credential needs both credentials.specifics applicationCredentialId and applicationCredentialSecret',
    );
  }
  return { kind: 'application-credential', id, secret };
}

function passwordLogin(username: string | null, password: string | null, domain: string, given: Given): PasswordLogin {
  if (!username) throw misconfigured('the environment has no credentials.username (OS_USERNAME), nor an application credential');
  if (!password) throw misconfigured('the environment has no credentials.password (OS_PASSWORD)');
  const project = given.text('project');
  return {
    kind: 'password',
    username,
    password,
    userDomain: named(given.text('userDomain') ?? domain),
    project: project === undefined ? null : named(project),
    projectDomain: named(given.text('projectDomain') ?? domain),
  };
}

/** Ids are 32 hexadecimal digits; the id of the domain `Default` is `default` in every cloud. */
const named = (text: string): Named => (text === 'default' || /^[0-9a-f]{32}$/.test(text) ? { id: text } : { name: text });

function parsedLocation(location: string | null): URL {
  const text = location?.trim() ?? '';
  const form = 'it must be that of Keystone, as OS_AUTH_URL has it: https://cloud.example.org:5000/v3';
  if (text === '') throw misconfigured(`the environment has no credentials.location; ${form}`);
  if (!URL.canParse(text)) throw misconfigured(`the location "${text.replace(/:\/\/[^/]*@/, '://…@')}" is no URL; ${form}`);
  const url = new URL(text);
  if (!SCHEMES.includes(url.protocol)) throw misconfigured(`the location begins with ${url.protocol}//; ${form}`);
  if (url.username !== '' || url.password !== '')
    throw misconfigured('the location must hold no user and password: they are credentials.username and credentials.password');
  if (url.search !== '' || url.hash !== '') throw misconfigured(`the location "${text}" must end after its path; ${form}`);
  return url;
}

/** `publicURL` is how openrc files and older clients say it. */
function interfaceOf(text = 'public'): CloudSettings['interface'] {
  const name = text.toLowerCase().replace(/url$/, '');
  if (name === 'public' || name === 'internal' || name === 'admin') return name;
  throw misconfigured(`credentials.specifics.interface is "${text}"; it must be public, internal or admin`);
}

function certificate(pem: string | undefined): string | null {
  if (pem !== undefined && !pem.includes('-----BEGIN '))
    throw misconfigured('credentials.specifics.cacert must be PEM text ("-----BEGIN …"), not the name of a file');
  return pem ?? null;
}

/** The specifics by key: without regard to case, to `_` and to `OS_` in front, so that what an openrc file says can be copied. */
class Given {
  private readonly values = new Map<string, JsonObject[string]>();

  constructor(specifics: JsonObject) {
    for (const [spelt, value] of Object.entries(specifics)) {
      const key = canonical(spelt);
      if (value !== null && value !== '' && !this.values.has(key)) this.values.set(key, value);
    }
  }

  text(key: string): string | undefined {
    const value = this.values.get(canonical(key));
    if (value === undefined || typeof value === 'string') return value?.trim();
    throw misconfigured(`credentials.specifics.${key} must be text`);
  }

  flag(key: string): boolean {
    const value = this.values.get(canonical(key)) ?? false;
    const word = typeof value === 'string' ? value.toLowerCase() : value;
    if (word === true || word === 'true' || word === '1' || word === 1) return true;
    if (word === false || word === 'false' || word === '0' || word === 0) return false;
    throw misconfigured(`credentials.specifics.${key} must be true or false`);
  }
}

function canonical(spelt: string): string {
  const key = spelt.toLowerCase().replace(/^os_/, '').replace(/[_-]/g, '');
  return ALIASES[key] ?? key;
}

const misconfigured = (message: string) => new ViceError('ENVIRONMENT_MISCONFIGURED', message);
