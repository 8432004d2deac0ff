/** openstack-client has no types of its own: these are the calls that we use. Ids go into paths as they are: encode them. */
declare module 'openstack-client' {
  interface ClientToken {
    token: string;
    interface: string;
    catalog: { type: string; endpoints: { interface: string; region: string; url: string }[] }[];
  }
  type Query = Record<string, string | number | boolean>;
  type Headers = Record<string, string>;

  interface Listed {
    list(token: ClientToken, region: undefined, params?: Query, headers?: Headers): Promise<unknown>;
  }

  interface Resource {
    show(token: ClientToken, region: undefined, id: string, params?: Query, headers?: Headers): Promise<unknown>;
    create(token: ClientToken, region: undefined, body: unknown, params?: Query, headers?: Headers): Promise<unknown>;
    del(token: ClientToken, region: undefined, id: string): Promise<unknown>;
  }

  export const glance: { image: Resource };
  export const nova: {
    server: Resource;
    flavorDetail: Listed;
    serverAction: {
      create(
        token: ClientToken,
        region: undefined,
        id: string,
        body: unknown,
        params?: Query,
        headers?: Headers,
      ): Promise<unknown>;
    };
  };
  export const neutron: { network: Listed };
}

declare module 'openstack-client/lib/util.js' {
  import { type ClientToken } from 'openstack-client';

  export interface LibraryRequest<T extends ClientToken = ClientToken> {
    url: string;
    token: T;
    params?: Record<string, string | number | boolean>;
    headers?: Record<string, string>;
    body?: unknown;
  }
  type Send = (request: LibraryRequest) => Promise<{ body: unknown; header: Record<string, unknown> }>;

  const util: { get: Send; del: Send; post: Send; put: Send; patch: Send; head: Send };
  export default util;
}
