#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace souk::integrations {

/// What a template is filled with. A text that is empty is not there, so `{{#name}}…{{/name}}` leaves its part out.
struct template_data {
  std::map<std::string, std::string> texts;
  std::set<std::string> flags;
  std::map<std::string, std::vector<template_data>> lists;

  template_data& set(const std::string& name, const std::string& text) {
    if (text.empty())
      texts.erase(name);
    else
      texts[name] = text;
    return *this;
  }
  template_data& flag(const std::string& name, bool on = true) {
    if (on)
      flags.insert(name);
    return *this;
  }
};

} // namespace souk::integrations
