#pragma once

#include "storage/rows/outgoing.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::integrations {

/// What became of a mail after the provider took it, as far as it changes whom a store writes to.
struct mail_event {
  enum class kind : std::uint8_t {
    bounced = 1,      ///< the mailbox does not exist or refuses for good
    dropped = 2,      ///< the provider did not send it: the address bounced or complained before
    complained = 3,   ///< marked as spam
    unsubscribed = 4
  };
  kind what = kind::bounced;
  storage::ulid store; ///< nil: not a mail of a store
  storage::ulid mail;  ///< the mail_row's; nil: it has none
  std::string email;   ///< lower case
  std::string reason;  ///< in the provider's words
  std::string id;      ///< the provider's: the same for every delivery of the event
};

/// Reads SendGrid's event webhook. Kinds that change nothing ("delivered", "open", …) are left out, and so is what cannot be read
/// within a genuine body: one odd event does not cost the others.
/// @param public_key base64 of the DER key, as in the setting sendgrid_webhook_key
/// @param signature,timestamp the headers X-Twilio-Email-Event-Webhook-Signature and -Timestamp
/// @param body the raw bytes
/// @returns nothing when the signature does not hold, or was made more than an hour from `now`
std::optional<std::vector<mail_event>> read_sendgrid_events(const std::string& public_key, const std::string& signature,
                                                            const std::string& timestamp, const std::string& body,
                                                            storage::timestamp now);

/// What the store's list of addresses should say after the event; nothing when the mail was of no store.
std::optional<storage::mail_suppression_row> suppression_of(const mail_event& event, storage::timestamp now);

} // namespace souk::integrations
