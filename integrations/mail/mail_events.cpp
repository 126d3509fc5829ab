#include "integrations/mail/mail_events.hpp"

#include "actors/user/account.hpp"
#include "integrations/mail/mail_data.hpp"
#include "integrations/mail/mime.hpp"
#include "storage/error.hpp"

#include <algorithm>
#include <set>
#include <sodium.h>
#include <spdlog/spdlog.h>

namespace souk::integrations {

using actors::mail_outcome;
using storage::mail_state;
using storage::suppression_reason;

namespace {

constexpr std::chrono::hours age_max{72};
constexpr std::chrono::minutes patience{10}; ///< with one mailbox; the shard's other mails wait behind it
constexpr std::size_t waiting_max = 10'000;
/// A call that has worked for so long says how far it came, so that it is not done again if the process dies.
constexpr std::chrono::seconds turn{5};

/// What a server says becomes part of a row: one odd byte would cost the rows of everybody else in the batch.
std::string printable(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 300))
    out += c >= 0x20 && c < 0x7f ? c : '?';
  return out;
}

/// A name as a header may have it.
std::string header_text(std::string text) {
  std::replace_if(
    text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

} // namespace

storage::ulid mail_id_of(const storage::ulid& store, const std::string& key, const std::string& name, storage::timestamp at) {
  const auto text = store.str() + "/" + key + "/" + name;
  storage::ulid id;
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  std::copy(hash.begin(), hash.end(), id.bytes.begin());
  auto ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count());
  for (std::size_t i = 6; i-- > 0; ms >>= 8)
    id.bytes[i] = static_cast<std::uint8_t>(ms & 0xFFU);
  id.bytes[6] = store.shard();
  return id;
}

mail_events::mail_events(std::shared_ptr<mail_world> world, std::shared_ptr<actors::mailer> mailer,
                         std::shared_ptr<const mail_composer> composer, std::shared_ptr<const actors::secret_box> secrets,
                         const runtime::clock& time, mail_options options)
  : world_(std::move(world)),
    mailer_(std::move(mailer)),
    composer_(std::move(composer)),
    secrets_(std::move(secrets)),
    time_(time),
    options_(std::move(options)),
    planner_(*world_, *composer_, *secrets_, options_.public_url) {
  // nop
}

std::size_t mail_events::deliver(const std::vector<storage::outbox_event>& events) {
  if (events.empty())
    return 0;
  auto& waits = waits_[events.front().shard]; // all of them are of one shard
  const auto began = std::chrono::steady_clock::now();
  std::size_t done = 0;
  for (const auto& event : events) {
    if (stopping_ || (done > 0 && std::chrono::steady_clock::now() - began > turn))
      break;
    try {
      if (!handle(event)) {
        waits = true;
        break;
      }
    } catch (const storage::unavailable& e) {
      spdlog::warn("mails wait: {}", e.what());
      waits = true;
      break;
    } catch (const std::exception& e) {
      spdlog::error("no mail could be made of event {} ({}): {}", event_id_of(event), event.event.topic, e.what());
      waits = false; // what fails here fails again: it is put aside after some tries
      break;
    }
    ++done;
  }
  if (done == events.size())
    waits = false;
  return done;
}

bool mail_events::handle(const storage::outbox_event& event) {
  if (event.event.at + age_max < time_.now())
    return true;
  const bool signs = event.event.topic == "cart.abandoned" || event.event.topic == "user.password_reset";
  if (signs && !secrets_->ready()) {
    spdlog::warn("no mail is sent for {}: links in it cannot be signed without a secret_key", event.event.topic);
    return true;
  }
  auto planned = planner_.plan(event, time_.now());
  return !planned || send(event, *planned);
}

bool mail_events::send(const storage::outbox_event& event, planned_mail& planned) {
  const auto email = actors::normal_email(planned.to);
  if (!planned.store) {
    auto id = "event-" + event_id_of(event);
    auto answer = hand_over(planned, id, email);
    if (answer.outcome == mail_outcome::not_now && !(answer.only_this && given_up(id)))
      return false;
    if (answer.outcome != mail_outcome::sent)
      spdlog::warn("mail {} was not sent: {}", planned.name, answer.error);
    return true;
  }
  const auto& store = *planned.store;
  const auto& off = store.settings.mail.switched_off;
  if (std::find(off.begin(), off.end(), planned.name) != off.end())
    return true;
  // The order's id is drawn once; an event's time is the event's. Either way the same mail has the same id.
  const bool by_event = planned.key == event_id_of(event);
  storage::mail_row row;
  row.id = mail_id_of(store.id, planned.key, planned.name, by_event ? event.event.at : planned.subject.drawn_at());
  if (world_->load_mail(row.id))
    return true;
  row.store_id = store.id;
  row.event_id = event_id_of(event);
  row.name = planned.name;
  row.email = email;
  row.subject_id = planned.subject;
  row.at = time_.now();
  if (auto suppressed = world_->load_suppression(store.id, email);
      suppressed && (planned.marketing || suppressed->reason != suppression_reason::unsubscribed)) {
    row.state = mail_state::suppressed;
    note(std::move(row), false);
    return true;
  }
  const auto id = row.id.str();
  auto answer = hand_over(planned, id, email);
  if (answer.outcome == mail_outcome::not_now && !(answer.only_this && given_up(id)))
    return false;
  row.state = answer.outcome == mail_outcome::sent ? mail_state::sent : mail_state::refused;
  row.provider_reference = printable(answer.reference);
  row.error = printable(answer.error);
  note(std::move(row), answer.outcome == mail_outcome::refused && answer.bad_address);
  std::lock_guard lock{guard_};
  waiting_since_.erase(id);
  return true;
}

actors::mail_text mail_events::text_of(const planned_mail& planned) const {
  const auto otherwise = planned.store ? planned.store->settings.language : std::string{};
  const auto& words = composer_->language_of(planned.language, otherwise);
  if (planned.store) {
    std::set<std::string> languages{planned.language, words.code}; // a merchant may write in one that we do not know
    for (const auto& language : languages) {
      const auto own = world_->load_template(planned.store->id, planned.name, language);
      if (!own)
        continue;
      try {
        const actors::mail_text text{own->subject, own->html, own->text};
        if (auto wrong = composer_->check(planned.name, text); !wrong.empty())
          throw std::runtime_error(wrong); // saved before that was looked at
        return composer_->compose(planned.name, words, text, planned.data);
      } catch (const std::exception& e) {
        spdlog::warn("store {}: its own {} cannot be rendered, ours is sent: {}", planned.store->id.str(), planned.name, e.what());
      }
    }
  }
  return composer_->compose(planned.name, words, {}, planned.data);
}

actors::mail_answer mail_events::hand_over(const planned_mail& planned, const std::string& id, const std::string& to) const {
  if (!is_mailbox(to))
    return {mail_outcome::refused, false, false, {}, "bad_recipient"};
  actors::mail m;
  try {
    auto text = text_of(planned);
    m.subject = std::move(text.subject);
    m.text = std::move(text.text);
    m.html = std::move(text.html);
  } catch (const storage::unavailable&) {
    throw;
  } catch (const std::exception& e) { // it never will be: the merchant finds it in the list of his mails
    spdlog::error("mail {} ({}) cannot be rendered: {}", id, planned.name, e.what());
    return {mail_outcome::refused, false, false, {}, std::string{"not rendered: "} + e.what()};
  }
  m.id = id;
  m.from = options_.mail_from;
  m.to = to;
  if (auto name = planned.data.texts.find("store_name"); name != planned.data.texts.end())
    m.from_name = header_text(name->second);
  if (planned.store) {
    if (is_mailbox(planned.store->settings.mail.reply_to))
      m.reply_to = planned.store->settings.mail.reply_to;
    m.tags = {{"store", planned.store->id.str()}, {"mail", id}};
  }
  if (planned.marketing)
    m.unsubscribe_url = planned.data.texts.at("unsubscribe_url");
  return mailer_->send(m);
}

bool mail_events::given_up(const std::string& id) {
  const auto now = time_.now();
  std::lock_guard lock{guard_};
  if (waiting_since_.size() >= waiting_max)
    waiting_since_.clear(); // then they have waited for less long than they have; nothing worse
  auto since = waiting_since_.emplace(id, now).first->second;
  return now - since >= patience;
}

// The mail is on its way whatever becomes of its row: sending it again because of the row would be worse.
void mail_events::note(storage::mail_row row, bool bad_address) {
  storage::write_set rows;
  rows.shard = row.store_id.shard();
  if (bad_address)
    rows.mutations.push_back(
      storage::put_suppression{{row.store_id, row.email, suppression_reason::bounced, row.at}});
  const auto id = row.id;
  rows.mutations.push_back(storage::put_mail{std::move(row)});
  try {
    if (world_->commit(rows.shard, rows))
      return;
    spdlog::warn("mail {} could not be written down", id.str());
  } catch (const std::exception& e) {
    spdlog::warn("mail {} could not be written down: {}", id.str(), e.what());
  }
}

} // namespace souk::integrations
