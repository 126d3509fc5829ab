#pragma once

#include "actors/mail/desk.hpp"
#include "actors/mail/mailer.hpp"
#include "actors/mail/templates.hpp"
#include "actors/secret/secret_box.hpp"
#include "actors/services.hpp"
#include "config/settings.hpp"
#include "runtime/clock.hpp"
#include "storage/postgres/postgres.hpp"

#include <functional>
#include <memory>

namespace souk::server {

/// What sends the shops' mails, and what hears about them. Without a server to send with only the templates are there.
struct mail_parts {
  std::shared_ptr<const actors::mail_templates> templates;
  std::shared_ptr<actors::mail_desk> desk;
  std::shared_ptr<actors::event_consumer> consumer;
};

/// @param commit writes rows of a store's mails, blocking; false: not now
/// @param all,time must outlive what is made
mail_parts make_mail_parts(const config::settings& s, const std::string& public_url, const storage::postgres::databases& all,
                           const runtime::clock& time, std::shared_ptr<const actors::secret_box> secrets,
                           std::function<bool(storage::shard_id, storage::write_set)> commit);

} // namespace souk::server
