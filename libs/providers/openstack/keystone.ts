import { ViceError } from '#libs/errors';
import { type Catalogue } from './catalogue.js';
import { CloudRefusal, cloudError } from './cloud-errors.js';
import { type CloudHttp } from './cloud-http.js';
import { type CloudSettings, type Named, type PasswordLogin } from './cloud-settings.js';

const SERVICE = 'Keystone';
/** A token is renewed so long before its end, or when a fifth of a short life is left. */
const SPARE_MS = 120_000;

/** What a token is for. Its id is a secret. */
export interface Token {
  readonly id: string;
  readonly catalogue: Catalogue;
  readonly projectId: string | null;
  readonly projectName: string | null;
  readonly username: string;
  /** On the monotonic clock: renewed from then on. */
  readonly renewAt: number;
}

interface TokenBody {
  token?: {
    issued_at?: string;
    expires_at?: string | null;
    catalog?: Catalogue;
    project?: { id: string; name: string };
    user?: { name: string };
  };
}

/** Logs in to Keystone v3, and keeps the token for as long as it holds. */
export class Keystone {
  private current: Promise<Token> | null = null;
  private v3: Promise<URL> | null = null;

  constructor(
    private readonly http: CloudHttp,
    private readonly settings: CloudSettings,
  ) {}

  /** A token that holds for a while. Raises CREDENTIALS_REFUSED, ENVIRONMENT_MISCONFIGURED and what the connection did. */
  async token(): Promise<Token> {
    const kept = await this.current?.catch(() => null);
    if (kept && performance.now() < kept.renewAt) return kept;
    this.current = this.login();
    return this.current;
  }

  /** A service did not take the token, though it should hold: the next question gets a new one. */
  async forget(refused: Token): Promise<void> {
    if ((await this.current?.catch(() => null)) === refused) this.current = null;
  }

  private async login(): Promise<Token> {
    const { login } = this.settings;
    if (login.kind === 'application-credential') {
      const { id, secret } = login;
      return this.issue({ methods: ['application_credential'], application_credential: { id, secret } }).catch((error) => {
        throw isRefusal(error, 401)
          ? refused('Keystone does not know this application credential, or it has expired')
          : inWords(error);
      });
    }
    const scope = login.project === null ? undefined : { project: scopeOf(login.project, login.projectDomain) };
    return this.issue(identityOf(login), scope).catch(async (error) => {
      throw isRefusal(error, 401) ? await this.whyRefused(login) : inWords(error);
    });
  }

  /** Keystone answers alike whether it is the user or the project that is wrong: a token without a project tells. */
  private async whyRefused(login: PasswordLogin): Promise<ViceError> {
    const who = `the user "${login.username}" of the domain "${textOf(login.userDomain)}"`;
    const unscoped = await this.issue(identityOf(login), 'unscoped').catch((error: unknown) => {
      if (isRefusal(error, 401)) return null;
      throw inWords(error);
    });
    if (unscoped === null || login.project === null) return refused(`Keystone does not take the password for ${who}`);
    const projects = await this.projectsOf(unscoped);
    const theirs = projects.length > 0 ? `; it has ${projects.join(', ')}` : '; it has none';
    return new ViceError(
      'ENVIRONMENT_MISCONFIGURED',
      `${who} has no project "${textOf(login.project)}" in the domain "${textOf(login.projectDomain)}" (credentials.specifics project and projectDomain)${theirs}`,
    );
  }

  private async projectsOf(token: Token): Promise<string[]> {
    const headers = { 'x-auth-token': token.id };
    const answer = await this.http.ask({ method: 'GET', url: await this.at('auth/projects'), service: SERVICE, headers });
    const { projects = [] } = (answer.body ?? {}) as { projects?: { name: string }[] };
    return projects.map(({ name }) => name);
  }

  private async issue(identity: object, scope?: object | 'unscoped'): Promise<Token> {
    const url = await this.at('auth/tokens');
    const json = { auth: { identity, ...(scope !== undefined && { scope }) } };
    const asked = performance.now();
    const { headers, body } = await this.http.ask({ method: 'POST', url, service: SERVICE, json });
    const id = headers['x-subject-token'];
    const { token } = (body ?? {}) as TokenBody;
    if (typeof id !== 'string' || token === undefined)
      throw new ViceError('ENVIRONMENT_MISCONFIGURED', `what answers at ${url.href} is no Keystone: it gave no token`);
    return {
      id,
      catalogue: token.catalog ?? [],
      projectId: token.project?.id ?? null,
      projectName: token.project?.name ?? null,
      username: token.user?.name ?? '',
      renewAt: asked + lifetimeMs(token),
    };
  }

  private async at(path: string): Promise<URL> {
    this.v3 ??= this.discover();
    return new URL(path, await this.v3);
  }

  /** The folder of the v3 API, whichever of its addresses the user gave. */
  private async discover(): Promise<URL> {
    const root = new URL(this.settings.location);
    root.pathname = root.pathname.replace(/\/*$/, '').replace(/\/(v3|v2\.0)(\/auth)?(\/tokens)?$/, '');
    const v3 = new URL(root);
    v3.pathname = `${root.pathname.replace(/\/$/, '')}/v3/`;
    const { body } = await this.http.ask({ method: 'GET', url: v3, service: SERVICE }).catch(async (error) => {
      if (!(error instanceof CloudRefusal)) throw asWrongUrl(error);
      throw [404, 410].includes(error.status) ? await this.withoutV3(root) : inWords(error);
    });
    const { version } = (body ?? {}) as { version?: { id?: string } };
    if (!version?.id?.startsWith('v3'))
      throw misconfigured(`what answers at ${v3.href} is no Keystone: it tells no version 3 of itself`);
    return v3;
  }

  private async withoutV3(root: URL): Promise<ViceError> {
    const versions = await this.http.ask({ method: 'GET', url: root, service: SERVICE }).catch(() => null);
    const { values = [] } = ((versions?.body ?? {}) as { versions?: { values?: { id: string }[] } }).versions ?? {};
    if (values.length === 0) {
      return misconfigured(
        `there is no Keystone at ${this.settings.location.href}; credentials.location is what OS_AUTH_URL says: https://cloud.example.org:5000/v3`,
      );
    }
    return misconfigured(
      `the Keystone at ${root.href} speaks only ${values.map(({ id }) => id).join(', ')}; version 3 of its API is needed`,
    );
  }
}

const identityOf = ({ username, password, userDomain }: PasswordLogin) => ({
  methods: ['password'],
  password: { user: { name: username, domain: userDomain, password } },
});

const scopeOf = (project: Named, domain: Named) => ('id' in project ? project : { ...project, domain });

const textOf = (named: Named) => ('id' in named ? named.id : named.name);

/** By the cloud's own account, because its clock may be another than ours. */
function lifetimeMs({ issued_at: issued, expires_at: expires }: NonNullable<TokenBody['token']>): number {
  const life = Date.parse(expires ?? '') - Date.parse(issued ?? '');
  if (!Number.isFinite(life)) return expires === null ? Infinity : 0;
  return life - Math.min(SPARE_MS, life / 5);
}

/** Without an answer in JSON, it is the location that is wrong. */
const asWrongUrl = (error: unknown) =>
  error instanceof ViceError && error.code === 'ENVIRONMENT_FAILED' ? misconfigured(error.message) : error;

const isRefusal = (error: unknown, status: number) => error instanceof CloudRefusal && error.status === status;
/** What is not there is Keystone itself. */
const inWords = (error: unknown) =>
  isRefusal(error, 404)
    ? misconfigured('Keystone is not where credentials.location says: it answers that there is nothing (404)')
    : cloudError(error, 'log in');
const refused = (message: string) => new ViceError('CREDENTIALS_REFUSED', message);
const misconfigured = (message: string) => new ViceError('ENVIRONMENT_MISCONFIGURED', message);
