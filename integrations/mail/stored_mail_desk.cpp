#include "integrations/mail/stored_mail_desk.hpp"

#include "actors/mail/links.hpp"

#include <spdlog/spdlog.h>

namespace souk::integrations {

using actors::desk_answer;
using storage::suppression_reason;

namespace {

int weight(suppression_reason reason) noexcept {
  switch (reason) {
    case suppression_reason::unsubscribed: return 1;
    case suppression_reason::bounced: return 2;
    case suppression_reason::complained: return 3;
  }
  return 0;
}

std::string header(const std::map<std::string, std::string>& headers, const char* name) {
  auto at = headers.find(name);
  return at == headers.end() ? std::string{} : at->second;
}

std::string printable(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 300))
    out += c >= 0x20 && c < 0x7f ? c : '?';
  return out;
}

} // namespace

stored_mail_desk::stored_mail_desk(std::shared_ptr<mail_world> world, std::shared_ptr<const actors::secret_box> secrets,
                                   const runtime::clock& time, std::string sendgrid_webhook_key)
  : world_(std::move(world)), secrets_(std::move(secrets)), time_(time), key_(std::move(sendgrid_webhook_key)) {
  // nop
}

desk_answer stored_mail_desk::provider_event(const std::map<std::string, std::string>& headers, const std::string& body) {
  try {
    if (key_.empty())
      return desk_answer::refused;
    auto events = read_sendgrid_events(key_, header(headers, "x-twilio-email-event-webhook-signature"),
                                       header(headers, "x-twilio-email-event-webhook-timestamp"), body, time_.now());
    if (!events)
      return desk_answer::refused;
    bool all = true;
    for (const auto& event : *events)
      all = write_down(event) && all;
    return all ? desk_answer::done : desk_answer::later;
  } catch (const std::exception& e) {
    spdlog::warn("what became of mails was not written down: {}", e.what());
    return desk_answer::later;
  }
}

void stored_mail_desk::suppress(storage::write_set& to, const storage::mail_suppression_row& row) {
  auto known = world_->load_suppression(row.store_id, row.email);
  if (!known || weight(known->reason) < weight(row.reason))
    to.mutations.push_back(storage::put_suppression{row});
}

bool stored_mail_desk::write_down(const mail_event& event) {
  const auto row = suppression_of(event, time_.now());
  if (!row || !world_->load_store(row->store_id))
    return true; // not a mail of a store that we have
  storage::write_set rows;
  rows.shard = row->store_id.shard();
  suppress(rows, *row);
  const bool did_not_arrive = event.what == mail_event::kind::bounced || event.what == mail_event::kind::dropped;
  if (did_not_arrive && !event.mail.is_nil() && event.mail.shard() == rows.shard)
    if (auto mail = world_->load_mail(event.mail);
        mail && mail->store_id == row->store_id && mail->state == storage::mail_state::sent) {
      mail->state = storage::mail_state::bounced;
      mail->error = printable(event.reason);
      rows.mutations.push_back(storage::put_mail{*mail});
    }
  return rows.mutations.empty() || world_->commit(rows.shard, rows);
}

desk_answer stored_mail_desk::unsubscribe(const std::string& token) {
  try {
    const auto claim = actors::read_unsubscribe_token(*secrets_, token);
    if (!claim)
      return desk_answer::refused;
    storage::write_set rows;
    rows.shard = claim->store.shard();
    suppress(rows, {claim->store, claim->email, suppression_reason::unsubscribed, time_.now()});
    return rows.mutations.empty() || world_->commit(rows.shard, rows) ? desk_answer::done : desk_answer::later;
  } catch (const std::exception& e) {
    spdlog::warn("somebody could not unsubscribe: {}", e.what());
    return desk_answer::later;
  }
}

} // namespace souk::integrations
