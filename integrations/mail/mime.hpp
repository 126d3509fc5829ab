#pragma once

#include "actors/mail/mailer.hpp"
#include "storage/ulid.hpp"

#include <string>
#include <string_view>

namespace souk::integrations {

/// Whether mail can be addressed to it: ASCII as RFC 5321 allows without quotes, one "@", at most 254 bytes. A domain of one label
/// ("shop@localhost") will do, and nothing that could end a line or a header is let through.
bool is_mailbox(std::string_view text) noexcept;

/// What a header or a body must not carry: line breaks and other control characters in anything that becomes a header, text that is
/// not UTF-8, addresses that are none. Whoever sends a mail asks this first, so no text of a shopper or a merchant can add a header.
/// @returns empty, or which part is wrong: "bad_recipient", "bad_sender", "bad_reply_to", "bad_subject", "bad_body", …
std::string fault_of(const actors::mail& m);

/// RFC 2047: `text` as it stands where it is short plain ASCII, else as encoded words on folded lines.
/// @pre UTF-8 without control characters
std::string encoded_text(std::string_view text);

/// `"Name" <address>` or the bare address. @pre as encoded_text; is_mailbox(address)
std::string named_address(std::string_view name, std::string_view address);

/// RFC 2045 quoted-printable with CRLF line ends.
std::string quoted_printable(std::string_view text);

/// "Mon, 01 Jan 2024 10:00:00 +0000"
std::string mail_date(storage::timestamp at);

/// The whole mail as RFC 5322 has it, lines ending in CRLF: multipart/alternative when it has both bodies.
/// @pre fault_of(m) is empty
std::string mime_message(const actors::mail& m, storage::timestamp now);

} // namespace souk::integrations
