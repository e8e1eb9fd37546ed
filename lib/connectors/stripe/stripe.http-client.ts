import type Stripe from 'stripe';

/**
 * The SDK's own HTTP client, made safe against answers that are not Stripe's. With it every answer that arrives whole
 * resolves, and `lastResponse.statusCode` tells what it was:
 * - a body that is no JSON object reads as `{}`. The SDK loses the status of one that is no JSON, and of JSON text or
 *   numbers (a proxy's `"ok"`) it makes a rejection that nobody can catch, which ends the process (RequestSender.js);
 * - a body must be there `timeout` after its headers: the SDK only limits the silence between two bytes.
 */
export function strictHttpClient(client: Stripe.HttpClient): Stripe.HttpClient {
  return {
    getClientName: () => client.getClientName(),
    async makeRequest(host, port, path, method, headers, requestData, protocol, timeout) {
      return strict(
        await client.makeRequest(host, port, path, method, headers, requestData, protocol, timeout),
        timeout,
      );
    },
  };
}

function strict(response: Stripe.HttpClientResponse, timeoutMs: number): Stripe.HttpClientResponse {
  return {
    getStatusCode: () => response.getStatusCode(),
    getHeaders: () => response.getHeaders(),
    getRawResponse: () => response.getRawResponse(),
    toStream: (done) => response.toStream(done),
    toJSON: async () => {
      const deadline = setTimeout(() => destroy(response.getRawResponse()), timeoutMs);
      try {
        const body: unknown = await response.toJSON();
        return typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {};
      } catch (error) {
        if (error instanceof SyntaxError) return {};
        throw error;
      } finally {
        clearTimeout(deadline);
      }
    },
    dispose: () => response.dispose?.(),
  };
}

function destroy(raw: unknown): void {
  (raw as { destroy?: () => void } | null)?.destroy?.();
}
