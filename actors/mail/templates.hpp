#pragma once

#include "storage/rows/store.hpp"

#include <optional>
#include <string>
#include <vector>

namespace souk::actors {

/// A mail's template (Mustache) or what came of it. The HTML is either the middle of a page, which gets the common frame around it,
/// or a whole document.
struct mail_text {
  std::string subject;
  std::string html;
  std::string text;
  bool operator==(const mail_text&) const = default;
};

struct mail_preview {
  mail_text mail;
  std::string error; ///< empty, or why it cannot be rendered, for the merchant to read
};

/// The mails of a store and their templates. Safe from any thread.
class mail_templates {
public:
  virtual ~mail_templates() = default;

  /// Names of the mails whose text a merchant may replace: "order_confirmed", …
  virtual std::vector<std::string> names() const = 0;
  /// Languages that souk's own templates exist in: "en", "de", "fr".
  virtual std::vector<std::string> languages() const = 0;
  /// souk's own template; nothing for an unknown name or language.
  virtual std::optional<mail_text> defaults(const std::string& name, const std::string& language) const = 0;
  /// What is wrong with a merchant's template: a tag that does not end, an unknown variable, too long, … An empty part is not wrong:
  /// souk's own stands in for it. @returns empty when all is well
  virtual std::string check(const std::string& name, const mail_text& own) const = 0;
  /// How it looks with sample data.
  virtual mail_preview preview(const storage::store_row& store, const std::string& name, const std::string& language,
                               const mail_text& own) const
    = 0;
};

} // namespace souk::actors
