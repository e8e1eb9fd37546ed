import type { Resource, SubList } from '../resource.js';

/** Kinds that are kept and listed, but have no fields of their own until the caller gives them. */
const OTHERS: [type: string, path: string, prefix: string, byCreated: boolean][] = [
  ['account', 'accounts', 'acct_', true],
  ['apple_pay_domain', 'apple_pay/domains', 'apwc_', false],
  ['application_fee', 'application_fees', 'fee_', true],
  ['billing.credit_grant', 'billing/credit_grants', 'credgr_', false],
  ['billing.meter', 'billing/meters', 'mtr_', false],
  ['billing_portal.configuration', 'billing_portal/configurations', 'bpc_', false],
  ['entitlements.active_entitlement', 'entitlements/active_entitlements', 'ent_', false],
  ['entitlements.feature', 'entitlements/features', 'feat_', false],
  ['file', 'files', 'file_', true],
  ['file_link', 'file_links', 'link_', true],
  ['issuing.authorization', 'issuing/authorizations', 'iauth_', true],
  ['issuing.card', 'issuing/cards', 'ic_', true],
  ['issuing.cardholder', 'issuing/cardholders', 'ich_', true],
  ['issuing.dispute', 'issuing/disputes', 'idp_', true],
  ['issuing.transaction', 'issuing/transactions', 'ipi_', true],
  ['mandate', 'mandates', 'mandate_', false],
  ['payment_link', 'payment_links', 'plink_', false],
  ['radar.early_fraud_warning', 'radar/early_fraud_warnings', 'issfr_', true],
  ['review', 'reviews', 'prv_', true],
  ['scheduled_query_run', 'sigma/scheduled_query_runs', 'sqr_', false],
  ['setup_attempt', 'setup_attempts', 'setatt_', true],
  ['shipping_rate', 'shipping_rates', 'shr_', true],
  ['source', 'sources', 'src_', false],
  ['topup', 'topups', 'tu_', true],
  ['webhook_endpoint', 'webhook_endpoints', 'we_', false],
];

/** What hangs on them, and is read and listed below them. */
const BELOW: Record<string, SubList[]> = {
  account: [
    {
      field: 'external_accounts',
      type: 'bank_account',
      segment: 'external_accounts',
      by: 'account',
      onlyExpanded: true,
    },
    { field: 'persons', type: 'person', segment: 'persons', by: 'account', onlyExpanded: true },
    {
      field: 'capabilities_list',
      type: 'capability',
      segment: 'capabilities',
      by: 'account',
      onlyExpanded: true,
    },
  ],
  application_fee: [{ field: 'refunds', type: 'fee_refund', segment: 'refunds', by: 'fee' }],
};

/** Their filters are not checked: any field is taken by equality. */
export const otherResources: Resource[] = [
  ...OTHERS.map(([type, path, prefix, byCreated]) => plainResource(type, path, prefix, byCreated)),
  ...['person', 'capability', 'fee_refund', 'product_feature', 'customer_cash_balance_transaction'].map(
    (type) => plainResource(type, null, `${type}_`, false),
  ),
];

/** A resource of which nothing is known but its name. Its events are `<type>.created`, `.updated` and `.deleted`. */
export function plainResource(
  type: string,
  path: string | null,
  prefix: string,
  byCreated: boolean,
): Resource {
  // The events of issuing are the only ones that are not named like their objects.
  const name = type.replace(/^issuing\./, 'issuing_');
  return {
    type,
    path,
    prefix,
    byCreated,
    filters: 'any',
    deletable: true,
    events: { created: `${name}.created`, updated: `${name}.updated`, deleted: `${name}.deleted` },
    lists: BELOW[type],
  };
}
