/** What a request is refused with; becomes ConfigHub's StandardErrorResponse, or the `Error` of one bulk item. */
export class HubError extends Error {
  readonly status: number;

  constructor(status: 400 | 401 | 403 | 404 | 409 | 413 | 422 | 423 | 500 | 503, message: string) {
    super(message);
    this.name = 'HubError';
    this.status = status;
  }
}

export function badRequest(message: string): HubError {
  return new HubError(400, message);
}

export function notFound(what: string): HubError {
  return new HubError(404, `${what} not found`);
}

export function conflict(message: string): HubError {
  return new HubError(409, message);
}
