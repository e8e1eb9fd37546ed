import type Stripe from 'stripe';

/**
 * Every kind of record that Stripe's v1 API can be asked for, by the value of its `object`, with the SDK's type.
 *
 * The types are those of the SDK's own API version. Decimals (`unit_amount_decimal`) are typed as the SDK's
 * `Decimal`, but are strings here and in every webhook: only the SDK's own methods convert them.
 */
export interface StripeResources {
  account: Stripe.Account;
  apple_pay_domain: Stripe.ApplePayDomain;
  application_fee: Stripe.ApplicationFee;
  'apps.install': Stripe.Apps.Install;
  balance: Stripe.Balance;
  balance_settings: Stripe.BalanceSettings;
  balance_transaction: Stripe.BalanceTransaction;
  bank_account: Stripe.BankAccount;
  'billing.alert': Stripe.Billing.Alert;
  'billing.credit_balance_transaction': Stripe.Billing.CreditBalanceTransaction;
  'billing.credit_grant': Stripe.Billing.CreditGrant;
  'billing.feedback_option': Stripe.Billing.FeedbackOption;
  'billing.meter': Stripe.Billing.Meter;
  'billing_portal.configuration': Stripe.BillingPortal.Configuration;
  capability: Stripe.Capability;
  card: Stripe.Card;
  cash_balance: Stripe.CashBalance;
  charge: Stripe.Charge;
  'checkout.session': Stripe.Checkout.Session;
  'climate.order': Stripe.Climate.Order;
  'climate.product': Stripe.Climate.Product;
  'climate.supplier': Stripe.Climate.Supplier;
  confirmation_token: Stripe.ConfirmationToken;
  country_spec: Stripe.CountrySpec;
  coupon: Stripe.Coupon;
  credit_note: Stripe.CreditNote;
  customer: Stripe.Customer;
  customer_balance_transaction: Stripe.CustomerBalanceTransaction;
  customer_cash_balance_transaction: Stripe.CustomerCashBalanceTransaction;
  dispute: Stripe.Dispute;
  'entitlements.active_entitlement': Stripe.Entitlements.ActiveEntitlement;
  'entitlements.feature': Stripe.Entitlements.Feature;
  event: Stripe.Event;
  exchange_rate: Stripe.ExchangeRate;
  fee_refund: Stripe.FeeRefund;
  file: Stripe.File;
  file_link: Stripe.FileLink;
  'financial_connections.account': Stripe.FinancialConnections.Account;
  'financial_connections.session': Stripe.FinancialConnections.Session;
  'financial_connections.transaction': Stripe.FinancialConnections.Transaction;
  'forwarding.request': Stripe.Forwarding.Request;
  'identity.verification_report': Stripe.Identity.VerificationReport;
  'identity.verification_session': Stripe.Identity.VerificationSession;
  invoice: Stripe.Invoice;
  invoice_payment: Stripe.InvoicePayment;
  invoice_rendering_template: Stripe.InvoiceRenderingTemplate;
  invoiceitem: Stripe.InvoiceItem;
  'issuing.authorization': Stripe.Issuing.Authorization;
  'issuing.card': Stripe.Issuing.Card;
  'issuing.cardholder': Stripe.Issuing.Cardholder;
  'issuing.dispute': Stripe.Issuing.Dispute;
  'issuing.personalization_design': Stripe.Issuing.PersonalizationDesign;
  'issuing.physical_bundle': Stripe.Issuing.PhysicalBundle;
  'issuing.token': Stripe.Issuing.Token;
  'issuing.transaction': Stripe.Issuing.Transaction;
  mandate: Stripe.Mandate;
  payment_attempt_record: Stripe.PaymentAttemptRecord;
  payment_intent: Stripe.PaymentIntent;
  payment_link: Stripe.PaymentLink;
  payment_method: Stripe.PaymentMethod;
  payment_method_configuration: Stripe.PaymentMethodConfiguration;
  payment_method_domain: Stripe.PaymentMethodDomain;
  payment_record: Stripe.PaymentRecord;
  payout: Stripe.Payout;
  person: Stripe.Person;
  plan: Stripe.Plan;
  price: Stripe.Price;
  product: Stripe.Product;
  product_feature: Stripe.ProductFeature;
  'product_catalog.trial_offer': Stripe.ProductCatalog.TrialOffer;
  promotion_code: Stripe.PromotionCode;
  quote: Stripe.Quote;
  'radar.early_fraud_warning': Stripe.Radar.EarlyFraudWarning;
  'radar.value_list': Stripe.Radar.ValueList;
  'radar.value_list_item': Stripe.Radar.ValueListItem;
  refund: Stripe.Refund;
  'reporting.report_run': Stripe.Reporting.ReportRun;
  'reporting.report_type': Stripe.Reporting.ReportType;
  review: Stripe.Review;
  scheduled_query_run: Stripe.Sigma.ScheduledQueryRun;
  setup_intent: Stripe.SetupIntent;
  shipping_rate: Stripe.ShippingRate;
  source: Stripe.Source;
  subscription: Stripe.Subscription;
  subscription_item: Stripe.SubscriptionItem;
  subscription_schedule: Stripe.SubscriptionSchedule;
  'tax.calculation': Stripe.Tax.Calculation;
  'tax.location': Stripe.Tax.Location;
  'tax.registration': Stripe.Tax.Registration;
  'tax.settings': Stripe.Tax.Settings;
  'tax.transaction': Stripe.Tax.Transaction;
  tax_code: Stripe.TaxCode;
  tax_id: Stripe.TaxId;
  tax_rate: Stripe.TaxRate;
  'terminal.configuration': Stripe.Terminal.Configuration;
  'terminal.location': Stripe.Terminal.Location;
  'terminal.reader': Stripe.Terminal.Reader;
  'test_helpers.test_clock': Stripe.TestHelpers.TestClock;
  'three_d_secure.authentication': Stripe.ThreeDSecure.Authentication;
  token: Stripe.Token;
  topup: Stripe.Topup;
  transfer: Stripe.Transfer;
  transfer_reversal: Stripe.TransferReversal;
  'treasury.credit_reversal': Stripe.Treasury.CreditReversal;
  'treasury.debit_reversal': Stripe.Treasury.DebitReversal;
  'treasury.financial_account': Stripe.Treasury.FinancialAccount;
  'treasury.inbound_transfer': Stripe.Treasury.InboundTransfer;
  'treasury.outbound_payment': Stripe.Treasury.OutboundPayment;
  'treasury.outbound_transfer': Stripe.Treasury.OutboundTransfer;
  'treasury.received_credit': Stripe.Treasury.ReceivedCredit;
  'treasury.received_debit': Stripe.Treasury.ReceivedDebit;
  'treasury.transaction': Stripe.Treasury.Transaction;
  'treasury.transaction_entry': Stripe.Treasury.TransactionEntry;
  webhook_endpoint: Stripe.WebhookEndpoint;
}

/** A kind of record that can be fetched, so that it can have change handlers: `invoice`. */
export type StripeResourceName = keyof StripeResources & string;

/** The type of a resource's records: `StripeResource<'invoice'>` is `Stripe.Invoice`. */
export type StripeResource<R extends StripeResourceName> = StripeResources[R];
