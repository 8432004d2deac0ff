import { type ClientToken } from 'openstack-client';
import util, { type LibraryRequest } from 'openstack-client/lib/util.js';
import { type CloudAnswer, type CloudHttp, type CloudRequest } from './cloud-http.js';

/** What openstack-client is given as a token: besides the token itself, who sends its requests. */
export interface LibraryToken extends ClientToken {
  http: CloudHttp;
  /** "the image service" */
  service: string;
}

const METHODS = { get: 'GET', del: 'DELETE', post: 'POST', put: 'PUT', patch: 'PATCH', head: 'HEAD' } as const;

/**
 * openstack-client knows the paths and bodies of the services' APIs. Its own transport takes proxies from environment variables, follows redirects
 * to wherever they lead, and knows neither deadlines nor certificates; so its requests go through the session of the token that they carry.
 */
export function useOurTransport(): void {
  for (const [name, method] of Object.entries(METHODS)) {
    util[name as keyof typeof METHODS] = async (request) => {
      const { body, headers } = await send(method, request as LibraryRequest<LibraryToken>);
      return { body, header: headers };
    };
  }
}

function send(method: CloudRequest['method'], request: LibraryRequest<LibraryToken>): Promise<CloudAnswer> {
  const { token, params = {}, headers = {}, body } = request;
  const url = new URL(request.url);
  for (const [key, value] of Object.entries(params)) url.searchParams.append(key, String(value));
  return token.http.ask({
    method,
    url,
    service: token.service,
    headers: { ...headers, 'x-auth-token': token.token },
    ...(body !== undefined && { json: body }),
    uninterrupted: method === 'POST',
  });
}
