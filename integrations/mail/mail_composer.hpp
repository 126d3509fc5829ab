#pragma once

#include "actors/mail/templates.hpp"
#include "integrations/mail/template_data.hpp"
#include "integrations/mail/templates/words.hpp"
#include "storage/rows/outgoing.hpp"

#include <map>

namespace souk::integrations {

/// Makes mails out of templates: souk's own, and what merchants put in their place. Safe from any thread.
class mail_composer final : public actors::mail_templates {
public:
  mail_composer();

  std::vector<std::string> names() const override;
  std::vector<std::string> languages() const override;
  std::optional<actors::mail_text> defaults(const std::string& name, const std::string& language) const override;
  std::string check(const std::string& name, const actors::mail_text& own) const override;
  actors::mail_preview preview(const storage::store_row& store, const std::string& name, const std::string& language,
                               const actors::mail_text& own) const override;

  /// The first of the languages that souk knows, else English.
  const mail_language& language_of(const std::string& wanted, const std::string& otherwise = {}) const;

  /// @param own the merchant's; its empty parts are souk's
  /// @param data with the store's
  /// @throws std::runtime_error when it cannot be rendered
  actors::mail_text compose(const std::string& name, const mail_language& language, const actors::mail_text& own,
                            template_data data) const;

private:
  const actors::mail_text* find(const std::string& name, const std::string& language) const;

  std::vector<const mail_language*> languages_;
  std::map<std::pair<std::string, std::string>, actors::mail_text> defaults_; ///< by name and language
};

} // namespace souk::integrations
