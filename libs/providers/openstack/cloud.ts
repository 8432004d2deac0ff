import { ViceError } from '#libs/errors';
import { endpointOf, type ServiceType } from './catalogue.js';
import { cloudError, CloudRefusal } from './cloud-errors.js';
import { type CloudHttp } from './cloud-http.js';
import { type CloudSettings } from './cloud-settings.js';
import { type Keystone, type Token } from './keystone.js';
import { type LibraryToken } from './library-transport.js';

const NAMES: Readonly<Record<ServiceType, string>> = {
  image: 'the image service',
  compute: 'the compute service',
  network: 'the network service',
};

/** A service of the cloud, as one question uses it. */
export interface ServiceAccess {
  /** Where its API begins, without its version and a slash at the end; that of the compute service has its version. */
  root: string;
  /** Its name in messages. */
  name: string;
  token: Token;
  /** For openstack-client. */
  library: LibraryToken;
}

export type Query = Record<string, string | number>;

/** One project of one cloud, its services found by the catalogue of the token that is valid just now. */
export class Cloud {
  constructor(
    readonly http: CloudHttp,
    readonly keystone: Keystone,
    readonly settings: CloudSettings,
  ) {}

  /** Whether the catalogue has this service for us: in our region, by our interface. */
  async has(type: ServiceType): Promise<boolean> {
    const { catalogue } = await this.scoped();
    try {
      return endpointOf(catalogue, type, this.settings) !== null;
    } catch {
      return false;
    }
  }

  /** What a service answers under one of its paths. Errors are unexplained. */
  async read(
    { root, name, token }: ServiceAccess,
    path: string,
    query: Query,
    headers: Record<string, string> = {},
  ): Promise<object> {
    const url = new URL(`${root}${path}`);
    for (const [key, value] of Object.entries(query)) url.searchParams.append(key, String(value));
    const { body } = await this.http.ask({
      method: 'GET',
      url,
      service: name,
      headers: { ...headers, 'x-auth-token': token.id },
    });
    return typeof body === 'object' && body !== null ? body : {};
  }

  /**
   * Asks a service. A token that it refuses, because it expired or was revoked meanwhile, is renewed once.
   * @param doing what is tried, for the message of what goes wrong: "list the images"
   */
  async attempt<T>(type: ServiceType, doing: string, work: (service: ServiceAccess) => Promise<T>): Promise<T> {
    try {
      const service = await this.access(type);
      return await work(service).catch(async (error: unknown) => {
        if (!(error instanceof CloudRefusal) || error.status !== 401) throw error;
        await this.keystone.forget(service.token);
        return work(await this.access(type));
      });
    } catch (error) {
      throw this.http.signal.aborted ? this.http.signal.reason : cloudError(error, doing);
    }
  }

  /** A token of a project. */
  async scoped(): Promise<Token> {
    const token = await this.keystone.token();
    if (token.projectId !== null) return token;
    throw new ViceError(
      'ENVIRONMENT_MISCONFIGURED',
      `which project? the user "${token.username}" has no default one: name it as credentials.specifics.project (OS_PROJECT_NAME)`,
    );
  }

  private async access(type: ServiceType): Promise<ServiceAccess> {
    const token = await this.scoped();
    const endpoint = endpointOf(token.catalogue, type, this.settings);
    const name = NAMES[type];
    if (endpoint === null) {
      throw new ViceError(
        'ENVIRONMENT_MISCONFIGURED',
        `the cloud has no ${type} service in its catalogue for the project "${token.projectName}"`,
      );
    }
    // What the library writes behind it begins with the version, but for the compute service.
    const root = endpoint.href.replace(/\/$/, '').replace(type === 'compute' ? '' : /\/v\d+(\.\d+)?$/, '');
    const at = { interface: 'public', region: '', url: root };
    const library = {
      token: token.id,
      interface: 'public',
      catalog: [{ type, endpoints: [at] }],
      http: this.http,
      service: name,
    };
    return { root, name, token, library };
  }
}
