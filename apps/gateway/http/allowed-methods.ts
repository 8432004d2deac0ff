import { type FastifyInstance } from 'fastify';

interface Route {
  path: string;
  pattern: RegExp;
  methods: Set<string>;
}

/** Which methods each path has, for the `Allow` header that a 405 has to bring. */
export class AllowedMethods {
  private readonly routes = new Map<string, Route>();

  /** Has to be called before the first route is added. */
  static of(server: FastifyInstance): AllowedMethods {
    const allowed = new AllowedMethods();
    server.addHook('onRoute', ({ url, method }) => allowed.add(url, [method].flat()));
    return allowed;
  }

  /** `GET, HEAD, POST`; undefined where no route has this path. @param path without the query */
  at(path: string): string | undefined {
    const methods = [...this.routes.values()].filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods]);
    return methods.length > 0 ? [...new Set(methods)].sort().join(', ') : undefined;
  }

  private add(path: string, methods: readonly string[]): void {
    // A path that ends in an asterisk catches what nothing else does: it says nothing of what is there.
    if (path.includes('*')) return;
    const segments = path.split('/').map((segment) => (segment.startsWith(':') ? '[^/]+' : segment.replace(/[^\w-]/g, '\\$&')));
    const route = this.routes.get(path) ?? { path, pattern: new RegExp(`^${segments.join('/')}$`), methods: new Set<string>() };
    for (const method of methods) route.methods.add(method);
    this.routes.set(path, route);
  }
}
