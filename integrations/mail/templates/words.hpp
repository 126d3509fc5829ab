#pragma once

#include <string>
#include <vector>

namespace souk::integrations {

/// One of souk's own mails as it is written down: the subject, and the body in a notation from which both bodies are made.
///
/// A paragraph is a line. A line of a single section tag stands for itself. `[lines]`, `[totals]`, `[address]` are blocks;
/// `[button VARIABLE Label]` is a link.
struct mail_draft {
  const char* name;
  const char* subject;
  const char* body;
};

/// A language: its drafts and the words of its blocks.
struct mail_language {
  const char* code; ///< ISO 639-1
  char decimal_mark;
  const char* subtotal;
  const char* discount;
  const char* shipping;
  const char* tax;
  const char* tax_included;
  const char* gift_card;
  const char* total;
  const char* ship_to;
  const char* unsubscribe;
  std::vector<mail_draft> drafts;
};

const mail_language& english();
const mail_language& german();
const mail_language& french();

} // namespace souk::integrations
