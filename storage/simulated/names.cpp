#include "storage/simulated/database.hpp"

#include <algorithm>

namespace souk::storage::simulated {

namespace {

class names final : public storage::directory {
public:
  explicit names(database& db) : db_(db) {}

  directory_entry claim(name_kind kind, const std::string& name, const ulid& id) override {
    auto db = db_.enter();
    return db->directory.try_emplace({kind, name}, directory_entry{kind, name, id, false, db.now()})
      .first->second;
  }

  void confirm(name_kind kind, const std::string& name, const ulid& id) override {
    auto db = db_.enter();
    if (auto at = db->directory.find({kind, name}); at != db->directory.end() && at->second.id == id)
      at->second.confirmed = true;
  }

  void release(name_kind kind, const std::string& name, const ulid& id) override {
    auto db = db_.enter();
    if (auto at = db->directory.find({kind, name});
        at != db->directory.end() && at->second.id == id && !at->second.confirmed)
      db->directory.erase(at);
  }

  std::optional<directory_entry> find(name_kind kind, const std::string& name) override {
    auto db = db_.enter();
    auto at = db->directory.find({kind, name});
    return at == db->directory.end() ? std::nullopt : std::optional{at->second};
  }

  std::vector<directory_entry> pending_before(timestamp limit, int count) override {
    auto db = db_.enter();
    std::vector<directory_entry> out;
    for (const auto& [key, entry] : db->directory)
      if (!entry.confirmed && entry.claimed_at < limit)
        out.push_back(entry);
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.claimed_at < b.claimed_at; });
    if (out.size() > static_cast<std::size_t>(std::max(count, 0)))
      out.resize(static_cast<std::size_t>(std::max(count, 0)));
    return out;
  }

private:
  database& db_;
};

} // namespace

std::unique_ptr<directory> database::open_directory() {
  return std::make_unique<names>(*this);
}

} // namespace souk::storage::simulated
