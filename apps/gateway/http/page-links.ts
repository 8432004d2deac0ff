/**
 * The `Link` header of one page of a list: the first page, and the next one where there is one.
 * @param url as it was asked, path and query; what it asked for otherwise stays
 * @param parameter that leads from page to page
 */
export function pageLinks(url: string, parameter: string, next: string | null): string {
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  const query = mark === -1 ? '' : url.slice(mark + 1);
  const linkTo = (page: string | null): string => {
    const parameters = new URLSearchParams(query);
    parameters.delete(parameter);
    if (page !== null) parameters.set(parameter, page);
    return parameters.size > 0 ? `${path}?${parameters.toString()}` : path;
  };
  const first = `<${linkTo(null)}>; rel="first"`;
  return next === null ? first : `<${linkTo(next)}>; rel="next", ${first}`;
}
