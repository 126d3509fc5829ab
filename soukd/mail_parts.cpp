#include "soukd/mail_parts.hpp"

#include "integrations/mail/mail_composer.hpp"
#include "integrations/mail/mail_events.hpp"
#include "integrations/mail/sendgrid_mailer.hpp"
#include "integrations/mail/smtp_mailer.hpp"
#include "integrations/mail/stored_mail_desk.hpp"
#include "integrations/mail/stored_mail_world.hpp"

namespace souk::server {

namespace {

std::shared_ptr<actors::mailer> mailer_of(const config::settings& s, const runtime::clock& time) {
  if (!s.sendgrid_key.empty())
    return std::make_shared<integrations::sendgrid_mailer>(s.sendgrid_url, s.sendgrid_key, s.mail_timeout_ms);
  if (!s.smtp_url.empty())
    return std::make_shared<integrations::smtp_mailer>(integrations::smtp_options{s.smtp_url, s.smtp_require_tls, s.mail_timeout_ms, {}},
                                                       time);
  return nullptr;
}

} // namespace

mail_parts make_mail_parts(const config::settings& s, const std::string& public_url, const storage::postgres::databases& all,
                           const runtime::clock& time, std::shared_ptr<const actors::secret_box> secrets,
                           std::function<bool(storage::shard_id, storage::write_set)> commit) {
  mail_parts out;
  auto composer = std::make_shared<integrations::mail_composer>();
  out.templates = composer;
  storage::postgres::reader_limits limits;
  limits.query = s.reader_timeout_ms;
  auto world = std::make_shared<integrations::stored_mail_world>(all, limits, std::move(commit));
  out.desk = std::make_shared<integrations::stored_mail_desk>(world, secrets, time, s.sendgrid_webhook_key);
  if (auto mailer = mailer_of(s, time))
    out.consumer = std::make_shared<integrations::mail_events>(world, std::move(mailer), composer, secrets, time,
                                                               integrations::mail_options{public_url, s.mail_from});
  return out;
}

} // namespace souk::server
