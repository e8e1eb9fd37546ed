import { salesforce, type SalesforceOptions } from 'nestjs-hybrid-sync/salesforce';

const good: SalesforceOptions = {
  login: {
    flow: 'client-credentials',
    clientId: 'c',
    clientSecret: 's',
    loginUrl: 'https://a.my.salesforce.com',
  },
  objects: ['Account'],
};

/** `any`: what an unset environment or a JavaScript host leaves in the options. */
function problems(options: Record<string, any>): string[] {
  const found = salesforce({ ...good, ...options }).connector.problems();
  return found.filter(({ code }) => code !== 'SYNC_MISSING_SECRET').map(({ message }) => message);
}

describe('salesforce()', () => {
  it('makes a source of a connector and its policies, that is polled', () => {
    const source = salesforce({ ...good, callsPerSecond: 5 });
    expect(source).toMatchObject({ mode: 'poll', callsPerSecond: 5 });
    expect(Object.keys(source).sort()).toEqual(['callsPerSecond', 'connector', 'mode']);
    expect(problems({})).toEqual([]);
    expect(problems({ bulkAbove: Infinity })).toEqual([]);
  });

  it.each<[Record<string, any>, RegExp]>([
    [{ login: undefined }, /login is missing. Set it to \{ flow/],
    [{ login: { flow: 'oauth' } }, /login.flow must be one of 'token', 'client-credentials'/],
    [
      { login: { flow: 'jwt', clientId: 'c', username: 'u' } },
      /login.privateKey is missing, which the flow 'jwt' needs/,
    ],
    [{ login: { ...good.login, clientSecrt: 's' } }, /login: .*Did you mean 'clientSecret'\?/],
    [{ login: { ...good.login, loginUrl: 'https://a.lightning.force.com' } }, /my.salesforce.com/],
    [{ login: { ...good.login, loginUrl: 'a.my.salesforce.com' } }, /login.loginUrl must be an address/],
    [{ objects: undefined }, /objects must name what handlers are about/],
    [{ objects: [] }, /objects is empty/],
    [{ objects: ["Account'; DROP"] }, /objects has 'Account'; DROP', which is no API name/],
    [{ objects: { Account: { felds: ['Name'] } } }, /Did you mean 'fields'\?/],
    [
      { objects: { Account: { fields: ['Name, Id'] } } },
      /fields has 'Name, Id', which is no API name of a field/,
    ],
    [{ connections: { default: good.login } }, /connections\['default'\] is the main org's own name/],
    [{ connections: { eu: {} } }, /connections\['eu'\].flow must be one of/],
    [{ apiVersion: 'v62' }, /apiVersion must be such as '62.0'/],
    [
      { login: { flow: 'jwt', clientId: 'c', username: 'u', privateKey: 'nope' } },
      /login.privateKey is no private key/,
    ],
    [
      {
        outboundMessages: {
          organizationId: '00D000000000000',
          certificateHeader: { name: 'x y', value: 'v' },
        },
      },
      /certificateHeader must be/,
    ],
    [{ changeDataCapture: 'Account' }, /changeDataCapture must be true or false, or an array of objects/],
    [{ changeDataCapture: ['Contact'] }, /changeDataCapture has 'Contact', which is not one of objects/],
    [{ platformEvents: 'Shipped__e' }, /platformEvents must be an array/],
    [{ platformEvents: ['Shipped'] }, /platformEvents has 'Shipped': their API names end in '__e'/],
    [{ clientName: 'a, b' }, /clientName must be letters/],
    [{ overlapSeconds: -1 }, /overlapSeconds must be a number from 0/],
    [{ bulkAbove: -1 }, /bulkAbove must be a whole number from 0, or Infinity/],
    [{ bulkAbove: 1.5 }, /bulkAbove must be a whole number from 0, or Infinity/],
    [{ bulkAbove: '20000' }, /bulkAbove must be a whole number from 0, or Infinity/],
  ])('finds what is wrong in %j', (options, message) => {
    expect(problems(options)).toEqual([expect.stringMatching(message)]);
  });

  it('expects nothing by webhook', () => {
    expect(salesforce(good).connector.problems()).toMatchObject([{ code: 'SYNC_MISSING_SECRET' }]);
  });
});
