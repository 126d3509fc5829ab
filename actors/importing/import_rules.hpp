#pragma once

#include "actors/importing/messages.hpp"
#include "actors/outcome.hpp"

#include <optional>
#include <vector>

namespace souk::actors {

namespace import_rules {

inline constexpr std::size_t products_max = 50'000;
inline constexpr std::size_t errors_max = 1000;
inline constexpr std::size_t save_every = 250; ///< products between two writes of the import's row

/// The command that creates the product of a file, and the one that makes a product that is there like it.
create_product as_new(const import_product& wanted, const caller& by, const storage::ulid& store,
                      const storage::ulid& id);
change_product as_change(const import_product& wanted, const caller& by, const storage::ulid& store,
                         const storage::ulid& id);

} // namespace import_rules

/// How far an import is: what is left to do, what was done, what went wrong. No mailbox around it.
class import_book {
public:
  /// @param row as it was when the import began, errors of reading the file included
  import_book(storage::import_row row, std::vector<import_product> products);

  /// A product to begin with, by its place in the file; nullopt when all have begun.
  std::optional<std::size_t> next();
  const import_product& product(std::size_t i) const { return products_[i]; }
  /// The handle under which the product is known in the store.
  const std::string& handle(std::size_t i) const { return products_[i].product.handle; }

  void done(std::size_t i);
  void failed(std::size_t i, std::string reason);
  /// Nothing more will begin: the import failed. What has begun is still to be told.
  void give_up(std::string reason);

  std::size_t under_way() const noexcept { return under_way_; }
  bool over() const noexcept { return under_way_ == 0 && next_ == products_.size(); }
  /// Whether the row has become old enough to be written.
  bool worth_saving() const noexcept { return since_saved_ >= import_rules::save_every; }
  void saved() noexcept { since_saved_ = 0; }

  /// Running, with what is done so far.
  const storage::import_row& row() const noexcept { return row_; }
  /// @pre over()
  storage::import_row final_row(storage::timestamp now) const;

private:
  void note(std::int64_t line, std::string reason);
  void end(std::size_t i);

  storage::import_row row_;
  std::vector<import_product> products_;
  std::size_t next_ = 0;
  std::size_t under_way_ = 0;
  std::size_t since_saved_ = 0;
  bool gave_up_ = false;
};

/// The row of an import that was running when its node died.
storage::import_row interrupted(storage::import_row row, storage::timestamp now);

} // namespace souk::actors
