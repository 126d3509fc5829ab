#pragma once

#include "actors/caller.hpp"
#include "storage/rows/outgoing.hpp"
#include "storage/rows/store.hpp"

#include <memory>
#include <optional>

namespace souk::actors {

/// Opens the store at this address (delivery::create; the id's shard is the store's for ever). The slug has been claimed in
/// the directory before. → storage::store_row
struct open_store {
  caller by;
  storage::store_row draft; ///< id, owner_id and the merchant's fields; the rest is filled in
};

/// → storage::store_row
struct get_store {
  storage::ulid store_id;
};

/// Changes what is set. → storage::store_row
struct change_store {
  caller by;
  storage::ulid store_id;
  std::optional<std::string> name;
  std::optional<std::int32_t> tax_rate_ppm;
  std::optional<bool> tax_inclusive;
  std::optional<std::vector<storage::shipping_zone>> shipping_zones;
  std::optional<std::string> logo_url;
  std::optional<std::string> description;
  std::optional<storage::store_status> status;
  std::optional<std::int64_t> expected_version; ///< else errc::version_conflict
};

/// Changes what is set of the settings behind the store's own columns. An account or a discount is put by its name or id, so that two
/// who change different ones do not undo each other. → storage::store_row
struct change_settings {
  caller by;
  storage::ulid store_id;
  std::optional<std::string> language;
  std::optional<std::vector<storage::tax_zone>> tax_zones;
  std::optional<bool> shipping_taxed;
  std::optional<bool> manual_payments;
  std::optional<storage::mail_settings> mail;
  std::optional<storage::automatic_discount> put_discount; ///< insert or replace, by id
  storage::ulid remove_discount{};                         ///< nil: none
  std::optional<storage::payment_account> put_payment;     ///< insert or replace, by provider; empty `sealed` keeps the secrets
  std::string remove_payment;                              ///< empty: none
  std::optional<storage::carrier_account> put_carrier;     ///< as put_payment; empty `webhook_path` keeps it
  std::string remove_carrier;
  std::optional<std::int64_t> expected_version; ///< else errc::version_conflict
};

/// From whoever sends the store's mails: what was sent, and whom not to write to again. → bool, after the commit
struct note_mail {
  storage::ulid store_id;
  std::vector<storage::mail_row> mails;
  std::vector<storage::mail_suppression_row> suppress;
};
/// By the merchant: writes to somebody again. → bool
struct lift_suppression {
  caller by;
  storage::ulid store_id;
  std::string email;
};
/// By the merchant: puts a text of his own in the place of a mail's, or takes it away again. → bool
struct change_mail_template {
  caller by;
  storage::mail_template_row row;
  bool remove = false; ///< only `store_id`, `name` and `language` matter then
};

/// What others of the shard need to know of the store; shared, never copied, replaced when settings change. → store_terms
struct get_terms {
  storage::ulid store_id;
};
struct store_terms {
  std::shared_ptr<const storage::store_row> store; ///< never null in an answer; stays within its process
};

template <class I>
typename I::result_type inspect(I& f, open_store& x) {
  return f(x.by, x.draft);
}
template <class I>
typename I::result_type inspect(I& f, get_store& x) {
  return f(x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, change_store& x) {
  return f(x.by, x.store_id, x.name, x.tax_rate_ppm, x.tax_inclusive, x.shipping_zones, x.logo_url, x.description, x.status,
           x.expected_version);
}
template <class I>
typename I::result_type inspect(I& f, change_settings& x) {
  return f(x.by, x.store_id, x.language, x.tax_zones, x.shipping_taxed, x.manual_payments, x.mail, x.put_discount,
           x.remove_discount, x.put_payment, x.remove_payment, x.put_carrier, x.remove_carrier, x.expected_version);
}
template <class I>
typename I::result_type inspect(I& f, note_mail& x) {
  return f(x.store_id, x.mails, x.suppress);
}
template <class I>
typename I::result_type inspect(I& f, lift_suppression& x) {
  return f(x.by, x.store_id, x.email);
}
template <class I>
typename I::result_type inspect(I& f, change_mail_template& x) {
  return f(x.by, x.row, x.remove);
}
template <class I>
typename I::result_type inspect(I& f, get_terms& x) {
  return f(x.store_id);
}
template <class I>
typename I::result_type inspect(I& f, store_terms&) {
  return f();
}

} // namespace souk::actors
