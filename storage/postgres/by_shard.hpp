#pragma once

#include "storage/error.hpp"
#include "storage/postgres/postgres.hpp"
#include "storage/postgres/reachability.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace souk::storage::postgres {

/// One port per database, each made when first needed. For one thread, as the ports are.
template <class Port>
class by_shard {
public:
  using factory = std::function<std::unique_ptr<Port>(const database&)>;

  by_shard(const databases& all, factory make) : all_(all), make_(std::move(make)), ports_(all.all().size()) {}

  const databases& all() const noexcept { return all_; }

  /// Asks the database that holds the shard. @throws unavailable also when no database has said that it does
  template <class F>
  auto of(shard_id shard, F&& ask) {
    return in(all_.index_of(shard), std::forward<F>(ask));
  }

  template <class F>
  auto in(std::size_t index, F&& ask) {
    auto& line = all_.line_to(index);
    if (!line.may_ask())
      throw unavailable("database " + all_.name_of(index) + " did not answer a moment ago");
    try {
      auto& port = ports_[index];
      if (!port)
        port = make_(all_.all()[index]);
      auto out = ask(*port);
      line.answered();
      return out;
    } catch (const out_of_time&) {
      line.answered(); // by saying that this question takes too long
      throw;
    } catch (const unavailable&) {
      line.failed();
      throw;
    } catch (const storage_error&) {
      line.answered();
      throw;
    }
  }

private:
  const databases& all_;
  factory make_;
  std::vector<std::unique_ptr<Port>> ports_;
};

} // namespace souk::storage::postgres
