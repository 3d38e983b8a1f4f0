/**
 * What Go's network stack, client-go and the API server say where a cluster could not be reached or was not ready. ConfigHub reports a failed
 * apply by its message alone, and most of its workers are written in Go: `net` (dial, i/o timeout, refused, reset, no route), `crypto/tls`,
 * `net/http` (EOF, `Client.Timeout`), `http2`, apimachinery's `NewServiceUnavailable` and `NewServerTimeout`, etcd's client.
 * The first is our own server's word.
 */
const OUTAGE = new RegExp(
  [
    'cluster is unavailable',
    'dial tcp',
    'connection (?:refused|reset|lost)',
    'ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH',
    'i/o timeout',
    'no route to host',
    'TLS handshake timeout',
    'unexpected EOF|: EOF$',
    'Client\\.Timeout exceeded',
    'unable to handle the request',
    'apiserver not ready|server could not be contacted',
    'etcdserver: (?:request timed out|leader changed|no leader)',
  ].join('|'),
  'i',
);

/** Whether a failed operation says that its cluster was away: nothing is wrong with the unit, and another try may succeed. */
export function saysOutage(message: string): boolean {
  return OUTAGE.test(message);
}
