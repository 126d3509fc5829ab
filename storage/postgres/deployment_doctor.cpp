#include "storage/postgres/doctor.hpp"
#include "storage/postgres/doctor_session.hpp"

#include <algorithm>
#include <functional>
#include <unordered_map>

namespace souk::storage::postgres {

namespace {

/// Rows are compared in so many parts, by the shard of the id that both sides have.
constexpr std::int32_t parts = 16;
constexpr std::size_t rows_shown = 20;

// $1 is the part. Old enough: what is done right after (confirming a name, delivering an event) has long been done.
const statement names_statement{"doctor_names", R"(
  SELECT kind, name, id FROM public.directory_names WHERE confirmed AND shard_of(id) % 16 = $1::int4)"};
const statement name_statement{"doctor_name", R"(
  SELECT id FROM public.directory_names WHERE kind = $1::int2 AND name = $2::text)"};
const statement people_statement{"doctor_people", R"(
  SELECT id, email FROM users WHERE shard_of(id) % 16 = $1::int4)"};
const statement stores_statement{"doctor_stores", R"(
  SELECT id, slug FROM stores WHERE shard_of(id) % 16 = $1::int4)"};
const statement owners_statement{"doctor_owners", R"(
  SELECT id, owner_id FROM stores WHERE shard_of(owner_id) % 16 = $1::int4)"};
const statement index_statement{"doctor_index", R"(
  SELECT order_id, user_id, store_id FROM user_orders WHERE shard_of(user_id) % 16 = $1::int4)"};
const statement orders_statement{"doctor_orders", R"(
  SELECT id, user_id, store_id, created_at < clock_timestamp() - interval '10 minutes' FROM orders
  WHERE shard_of(user_id) % 16 = $1::int4)"};

struct index_entry {
  ulid user, store;
  bool operator==(const index_entry&) const = default;
};

struct order_entry {
  index_entry where;
  bool old = false;
};

class comparison {
public:
  comparison(const databases& all, const std::vector<std::vector<shard_id>>& shards, std::chrono::milliseconds limit) : all_(all) {
    for (std::size_t i = 0; i < all.all().size(); ++i)
      sessions_.push_back(doctor_session(all.all()[i], shards[i], limit));
  }

  std::vector<finding> run() {
    homes();
    for (std::int32_t part = 0; part < parts; ++part) {
      // What refers first, what it refers to afterwards: whatever was made meanwhile is then missing from the first only.
      const auto names = read_names(part);
      const auto owners = pairs(owners_statement, part);
      const auto index = read_index(part);
      const auto orders = read_orders(part);
      const auto people = texts(people_statement, part);
      const auto stores = texts(stores_statement, part);
      compare_names(names, people, stores);
      timed(owners_, [&] {
        for (const auto& [store, owner] : owners)
          if (!people.contains(owner))
            add(owners_, "store=" + store.str() + " owner=" + owner.str());
      });
      compare_orders(index, orders, people);
    }
    std::vector<finding> out;
    for (auto* f : {&homes_, &named_, &names_, &owners_, &index_, &indexed_}) {
      f->ok = f->rows.empty();
      out.push_back(std::move(*f));
    }
    return out;
  }

private:
  static finding about(const char* sentence) {
    finding f;
    f.check = sentence;
    return f;
  }
  static void add(finding& f, std::string row) {
    if (f.rows.size() < rows_shown)
      f.rows.push_back(std::move(row));
  }
  template <class F>
  static void timed(finding& f, F&& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    f.took += std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  }

  /// The rows of one part in all databases.
  void each(const statement& what, std::int32_t part, const std::function<void(const result&, int)>& take) {
    for (auto& session : sessions_) {
      const auto r = session->read(what, parameters::of(part));
      for (int i = 0; i < r.rows(); ++i)
        take(r, i);
    }
  }
  std::unordered_map<ulid, ulid> pairs(const statement& what, std::int32_t part) {
    std::unordered_map<ulid, ulid> out;
    each(what, part, [&](const result& r, int i) { out.emplace(r.id(i, 0), r.id(i, 1)); });
    return out;
  }
  std::unordered_map<ulid, std::string> texts(const statement& what, std::int32_t part) {
    std::unordered_map<ulid, std::string> out;
    each(what, part, [&](const result& r, int i) { out.emplace(r.id(i, 0), r.text(i, 1)); });
    return out;
  }

  void homes() {
    timed(homes_, [&] {
      std::array<std::string, shard_count> here, frozen;
      for (std::size_t i = 0; i < all_.all().size(); ++i)
        for (const auto& row : make_ownership_store(all_.all()[i])->shards()) {
          auto& list = row.where == residence::here ? here[row.shard] : frozen[row.shard];
          if (row.where != residence::elsewhere)
            list += (list.empty() ? "" : " and ") + std::to_string(i + 1);
        }
      for (std::size_t shard = 0; shard < here.size(); ++shard)
        if (here[shard].find("and") != std::string::npos)
          add(homes_, "shard=" + std::to_string(shard) + " databases=" + here[shard]);
        else if (here[shard].empty() && frozen[shard].empty())
          add(homes_, "shard=" + std::to_string(shard) + " databases=none");
    });
  }

  using name_entry = std::pair<std::int16_t, std::string>;

  std::unordered_map<ulid, name_entry> read_names(std::int32_t part) {
    std::unordered_map<ulid, name_entry> out;
    timed(names_, [&] {
      const auto r = sessions_.front()->read(names_statement, parameters::of(part));
      for (int i = 0; i < r.rows(); ++i)
        if (auto [at, fresh] = out.emplace(r.id(i, 2), name_entry{r.int2(i, 0), r.text(i, 1)}); !fresh)
          add(names_, "id=" + at->first.str() + " names=2");
    });
    return out;
  }

  void compare_names(const std::unordered_map<ulid, name_entry>& names, const std::unordered_map<ulid, std::string>& people,
                     const std::unordered_map<ulid, std::string>& stores) {
    constexpr auto email = static_cast<std::int16_t>(name_kind::email), slug = static_cast<std::int16_t>(name_kind::slug);
    timed(names_, [&] {
      for (const auto& [id, name] : names) {
        const auto& bearers = name.first == email ? people : stores;
        if (const auto at = bearers.find(id); at == bearers.end() || at->second != name.second)
          add(names_, (name.first == email ? "user=" : "store=") + id.str() + (at == bearers.end() ? " is missing" : " has another name"));
      }
    });
    timed(named_, [&] {
      for (const auto kind : {email, slug})
        for (const auto& [id, name] : kind == email ? people : stores) {
          if (name.empty()) // a guest
            continue;
          if (const auto at = names.find(id); at != names.end() && at->second == name_entry{kind, name})
            continue;
          // Claimed after the names were read, or not confirmed yet.
          const auto r = sessions_.front()->read(name_statement, parameters::of(kind, name));
          if (r.rows() == 0 || r.id(0, 0) != id)
            add(named_, (kind == email ? "user=" : "store=") + id.str());
        }
    });
  }

  std::unordered_map<ulid, index_entry> read_index(std::int32_t part) {
    std::unordered_map<ulid, index_entry> out;
    timed(index_, [&] {
      each(index_statement, part, [&](const result& r, int i) { out.emplace(r.id(i, 0), index_entry{r.id(i, 1), r.id(i, 2)}); });
    });
    return out;
  }
  std::unordered_map<ulid, order_entry> read_orders(std::int32_t part) {
    std::unordered_map<ulid, order_entry> out;
    timed(index_, [&] {
      each(orders_statement, part,
           [&](const result& r, int i) { out.emplace(r.id(i, 0), order_entry{{r.id(i, 1), r.id(i, 2)}, r.boolean(i, 3)}); });
    });
    return out;
  }

  void compare_orders(const std::unordered_map<ulid, index_entry>& index, const std::unordered_map<ulid, order_entry>& orders,
                      const std::unordered_map<ulid, std::string>& people) {
    timed(index_, [&] {
      for (const auto& [id, entry] : index)
        if (const auto at = orders.find(id); at == orders.end() || !(at->second.where == entry))
          add(index_, "user=" + entry.user.str() + " order=" + id.str() + " store=" + entry.store.str());
    });
    timed(indexed_, [&] {
      for (const auto& [id, order] : orders)
        if (order.old && people.contains(order.where.user) && !index.contains(id))
          add(indexed_, "order=" + id.str() + " user=" + order.where.user.str());
    });
  }

  const databases& all_;
  std::vector<std::unique_ptr<connection>> sessions_;
  finding homes_ = about("each shard lives in one database");
  finding named_ = about("every user's e-mail and every store's slug is in the directory");
  finding names_ = about("every confirmed name of the directory is that of a user or a store");
  finding owners_ = about("every store's owner is a user");
  finding index_ = about("a user's list of orders names orders of that user");
  finding indexed_ = about("an order older than ten minutes is in its user's list");
};

} // namespace

std::vector<finding> examine_together(const databases& all, std::chrono::milliseconds limit) {
  const auto homes = [&] {
    std::vector<std::vector<shard_id>> out;
    for (const auto& db : all.all())
      out.push_back(residents(db));
    return out;
  };
  for (int attempt = 1;; ++attempt) {
    const auto before = homes();
    auto out = comparison(all, before, limit).run();
    const bool well = std::all_of(out.begin(), out.end(), [](const finding& f) { return f.ok; });
    // A shard that moved meanwhile was seen in no database, or in pieces.
    if (well || attempt == 3 || homes() == before)
      return out;
  }
}

} // namespace souk::storage::postgres
