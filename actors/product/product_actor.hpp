#pragma once

#include "actors/edit_line.hpp"
#include "actors/product/product_rules.hpp"
#include "actors/services.hpp"
#include "actors/type_ids.hpp"
#include "runtime/owed_answer.hpp"

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace souk::actors {

/// One product with its variants. What they are is written here; how many there are belongs to each variant's
/// inventory actor, who is asked after the catalog's rows are committed. An answer that is an error about
/// stock ("variants[2].stock") therefore means that the rest of the command was done.
using product_actor = caf::typed_actor<
  // Creates the product at this address.
  caf::replies_to<create_product>::with<product_written>,
  // Changes what is set.
  caf::replies_to<change_product>::with<product_written>,
  // Quits unless something is under way.
  caf::reacts_to<runtime::stop_atom>>;

struct product_state {
  static inline const char* name = "product";

  using edit_with_terms = std::function<void(const storage::store_row&, runtime::owed_answer)>;

  /// A product_edit on its way to the journal.
  struct write_job {
    product_edit edit;
    caller by;
    bool fresh = false;
    std::string stock_reason;
    caf::message command; ///< asked again of the next life when this one turns out to be behind the rows
  };
  /// The stock that one command wishes for, while the inventory actors see to it.
  struct stock_round {
    std::size_t open = 0;
    caf::error first_error;
    product_written done;
    runtime::owed_answer answer;
  };

  product_actor::pointer self = nullptr;
  runtime::entity_context context;
  std::shared_ptr<const shop_services> services;
  bool exists = false;
  storage::product_row product;               ///< as committed
  std::vector<storage::variant_row> variants; ///< as committed, by position, removed ones included
  edit_line edits;
  int rounds = 0;        ///< stock rounds under way
  bool outlived = false; ///< the rows are ahead of this life: the next one answers

  caf::result<product_written> in_turn(const storage::ulid& store, edit_with_terms edit);
  void create(const create_product& c, const storage::store_row& store, runtime::owed_answer answer);
  void change(const change_product& c, const storage::store_row& store, runtime::owed_answer answer);
  void write(std::shared_ptr<write_job> job, runtime::owed_answer answer);
  void written(std::shared_ptr<write_job> job, const runtime::receipt& r, runtime::owed_answer answer);
  void committed(write_job& job, runtime::owed_answer answer);
  void publish(const product_edit& edit) const;
  void fulfil(const write_job& job, product_written done, runtime::owed_answer answer);
  void ask_inventory(const stock_wish& wish, std::vector<caf::message> steps,
                     std::shared_ptr<stock_round> round);
  void fulfilled(stock_round& round);
  product_written view(bool changed) const;
  product_rules::draw_id draw() const;
  void leave();
  void stop();
};

} // namespace souk::actors
