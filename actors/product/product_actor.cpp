#include "actors/product/product_actor.hpp"

#include "actors/kinds.hpp"

#include <caf/stateful_actor.hpp>

#include <algorithm>

namespace souk::actors {

namespace {

const char* topic_of(const product_edit& edit, bool fresh, storage::product_status before) {
  if (fresh)
    return "product.created";
  bool archived = edit.product.status == storage::product_status::archived && before != edit.product.status;
  return archived ? "product.archived" : "product.updated";
}

storage::write_set rows_of(const product_edit& edit, bool fresh, storage::product_status before,
                           const caller& by) {
  const auto& product = edit.product;
  storage::write_set rows;
  auto& out = rows.mutations;
  if (fresh)
    out.push_back(storage::insert_product{product});
  else
    out.push_back(storage::update_product{product, product.version - 1});
  for (const auto& variant : edit.put)
    out.push_back(storage::put_variant{variant});
  for (const auto& first : edit.levels) {
    out.push_back(storage::insert_level{first.level});
    if (first.on_hand > 0)
      out.push_back(storage::move_stock{first.level.variant_id,
                                        product.store_id,
                                        first.on_hand,
                                        0,
                                        "initial",
                                        {},
                                        by.user,
                                        {},
                                        product.updated_at});
  }
  out.push_back(
    storage::emit_event{product.store_id,
                        topic_of(edit, fresh, before),
                        product.id,
                        {{"handle", product.handle}, {"version", std::to_string(product.version)}},
                        product.updated_at});
  return rows;
}

/// "variants[2].stock" instead of the inventory's own field, which the merchant never wrote.
caf::error about_stock(const caf::error& why, std::size_t draft) {
  if (why.category() != caf::atom("soukshop"))
    return why;
  auto what = problem_of(why);
  return refuse(static_cast<errc>(why.code()), std::move(what.message),
                "variants[" + std::to_string(draft) + "].stock", std::move(what.lines));
}

} // namespace

// The line is entered before the store is asked, so that edits keep the order in which they came.
caf::result<product_written> product_state::in_turn(const storage::ulid& store, edit_with_terms edit) {
  runtime::owed_answer answer{self->make_response_promise()};
  auto begin = [this, store, answer, edit = std::move(edit)] {
    runtime::ask(self, *context.routes, store_at(store), runtime::delivery::activate, get_terms{store})
      .then([answer, edit](const store_terms& terms) { edit(*terms.store, answer); },
            [this, answer](caf::error& why) mutable {
              answer.deliver(std::move(why));
              leave();
            });
  };
  if (store.shard() != context.who.shard())
    answer.deliver(refuse(errc::not_found, "there is no such product in this store", "product_id"));
  else if (!edits.enter(std::move(begin)))
    answer.deliver(caf::make_error(runtime::errc::overloaded));
  return caf::delegated<product_written>{};
}

void product_state::create(const create_product& c, const storage::store_row& store,
                           runtime::owed_answer answer) {
  if (exists) { // asked again: it is done once
    if (product.store_id == store.id && c.by.manages(store.id, store.owner_id))
      answer.deliver(view(false));
    else
      answer.deliver(refuse(errc::not_found, "there is no such product in this store", "product_id"));
    return leave();
  }
  if (c.product.id != context.who.id) {
    answer.deliver(refuse(errc::invalid, "is not the id of this address", "product_id"));
    return leave();
  }
  auto edit = product_rules::create(c, store, draw(), context.time->now());
  if (!edit) {
    answer.deliver(refuse(edit.why()));
    return leave();
  }
  write(std::make_shared<write_job>(write_job{std::move(*edit), c.by, true, {}, caf::make_message(c)}),
        std::move(answer));
}

void product_state::change(const change_product& c, const storage::store_row& store,
                           runtime::owed_answer answer) {
  if (!exists) {
    answer.deliver(refuse(errc::not_found, "there is no such product in this store", "product_id"));
    return leave();
  }
  auto edit = product_rules::change(product, variants, c, store, draw(), context.time->now());
  if (!edit) {
    answer.deliver(refuse(edit.why()));
    return leave();
  }
  auto job = std::make_shared<write_job>(write_job{std::move(*edit), c.by, false, c.stock_reason, {}});
  if (job->edit.changed)
    return write(std::move(job), std::move(answer));
  fulfil(*job, view(false), std::move(answer));
  leave();
}

void product_state::write(std::shared_ptr<write_job> job, runtime::owed_answer answer) {
  runtime::commit(self, context, rows_of(job->edit, job->fresh, product.status, job->by))
    .then([this, job, answer](const runtime::receipt& r) { written(job, r, answer); },
          [this, answer](caf::error& why) mutable {
            answer.deliver(why);
            // A full queue has changed nothing. After anything else it is for the rows to say what is so.
            if (why == runtime::errc::overloaded)
              leave();
            else
              self->quit(std::move(why));
          });
}

void product_state::written(std::shared_ptr<write_job> job, const runtime::receipt& r,
                            runtime::owed_answer answer) {
  auto& edit = job->edit;
  switch (r.refused) {
    case storage::refusal::none:
      return committed(*job, std::move(answer));
    case storage::refusal::handle_taken:
      if (edit.handle_made) { // two products may have the same title; the end of the id tells their addresses
                              // apart
        edit.handle_made = false;
        auto end = edit.product.id.str().substr(20);
        std::transform(end.begin(), end.end(), end.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        edit.product.handle += "-" + end;
        return write(std::move(job), std::move(answer));
      }
      answer.deliver(
        refuse(errc::handle_taken, "another product of the store has the handle " + r.detail, "handle"));
      return leave();
    case storage::refusal::sku_taken:
      answer.deliver(
        refuse(errc::sku_taken, "another variant of the store has the SKU " + r.detail, "variants.sku"));
      return leave();
    default:
      break;
  }
  // The product is there already, and this life has never read it. The shard takes our last words in order:
  // it ends this life, loads the rows, and lets the next one answer.
  outlived = true;
  runtime::retire(context);
  answer.delegate(context.shard, runtime::deliver_atom_v, context.who, runtime::delivery::activate,
                  job->command);
}

void product_state::committed(write_job& job, runtime::owed_answer answer) {
  exists = true;
  product = job.edit.product;
  variants = job.edit.variants;
  if (!job.fresh)
    publish(job.edit);
  if (services->product_changed)
    services->product_changed(product.store_id, product.id);
  fulfil(job, view(true), std::move(answer));
  leave();
}

// Whoever sells a variant hears of it; whoever is not awake reads it when he is.
void product_state::publish(const product_edit& edit) const {
  for (const auto& variant : edit.variants)
    runtime::tell(*context.routes, inventory_at(variant.id), runtime::delivery::if_active,
                  publish_variant{variant, product.title, product.status, product.version});
}

void product_state::fulfil(const write_job& job, product_written done, runtime::owed_answer answer) {
  if (job.edit.wishes.empty())
    return answer.deliver(std::move(done));
  auto round = std::make_shared<stock_round>();
  round->open = job.edit.wishes.size();
  round->done = std::move(done);
  round->answer = std::move(answer);
  ++rounds;
  for (const auto& wish : job.edit.wishes) {
    std::vector<caf::message> steps; // taken from the back
    if (wish.on_hand)
      steps.push_back(
        caf::make_message(set_stock{job.by, product.store_id, *wish.on_hand, job.stock_reason, {}}));
    if (wish.backorder || wish.low_stock_threshold)
      steps.push_back(caf::make_message(
        set_stock_policy{job.by, product.store_id, wish.backorder, wish.low_stock_threshold}));
    // Goods arrive before back-orders end, and back-orders begin before goods go: the other way round might
    // be refused.
    if (wish.backorder == false)
      std::reverse(steps.begin(), steps.end());
    ask_inventory(wish, std::move(steps), round);
  }
}

void product_state::ask_inventory(const stock_wish& wish, std::vector<caf::message> steps,
                                  std::shared_ptr<stock_round> round) {
  if (steps.empty())
    return fulfilled(*round);
  auto step = std::move(steps.back());
  steps.pop_back();
  auto whom = inventory_at(wish.variant_id);
  self
    ->request(context.routes->shard_of(whom), caf::infinite, runtime::deliver_atom_v, whom,
              runtime::delivery::activate, step)
    .then([this, wish, steps, round](const stock_view&) { ask_inventory(wish, steps, round); },
          [this, draft = wish.draft, round](const caf::error& why) {
            if (!round->first_error)
              round->first_error = about_stock(why, draft);
            fulfilled(*round);
          });
}

void product_state::fulfilled(stock_round& round) {
  if (--round.open > 0)
    return;
  --rounds;
  if (round.first_error)
    round.answer.deliver(std::move(round.first_error));
  else
    round.answer.deliver(std::move(round.done));
}

product_written product_state::view(bool changed) const {
  product_written out{product, {}, changed};
  std::copy_if(variants.begin(), variants.end(), std::back_inserter(out.variants),
               [](const auto& variant) { return !variant.removed; });
  return out;
}

product_rules::draw_id product_state::draw() const {
  return [ids = context.ids, beside = context.who.id] { return ids->fresh_beside(beside); };
}

void product_state::leave() {
  edits.leave();
  if (!exists && !edits.busy())
    runtime::retire(context);
}

void product_state::stop() {
  if (!outlived && (edits.busy() || rounds > 0))
    caf::anon_send(context.shard, runtime::busy_atom_v, context.who, context.activation);
  else
    self->quit();
}

namespace {

product_actor::behavior_type product_behavior(product_actor::stateful_pointer<product_state> self,
                                              runtime::entity_context context,
                                              std::shared_ptr<const shop_services> services,
                                              std::optional<storage::product_snapshot> rows) {
  auto& state = self->state;
  state.self = self;
  state.context = std::move(context);
  state.services = std::move(services);
  if (rows) {
    state.exists = true;
    state.product = std::move(rows->product);
    state.variants = std::move(rows->variants);
  }
  return {
    [self](const create_product& c) {
      return self->state.in_turn(c.store_id,
                                 [self, c](const storage::store_row& store, runtime::owed_answer answer) {
                                   self->state.create(c, store, std::move(answer));
                                 });
    },
    [self](const change_product& c) {
      return self->state.in_turn(c.store_id,
                                 [self, c](const storage::store_row& store, runtime::owed_answer answer) {
                                   self->state.change(c, store, std::move(answer));
                                 });
    },
    [self](runtime::stop_atom) { self->state.stop(); },
  };
}

} // namespace

runtime::entity_kind product_kind(std::shared_ptr<const shop_services> services) {
  runtime::entity_kind k;
  k.name = "product";
  k.load = [](storage::entity_reader& reader, const runtime::entity_address& who) -> std::any {
    return reader.load_product(who.id);
  };
  k.spawn = [services](caf::actor_system& system, runtime::entity_context context, std::any rows) {
    std::optional<storage::product_snapshot> snapshot;
    if (rows.has_value()) {
      snapshot = std::any_cast<std::optional<storage::product_snapshot>>(std::move(rows));
      if (!snapshot)
        runtime::retire(context);
    }
    return caf::actor_cast<caf::actor>(
      system.spawn(product_behavior, std::move(context), services, std::move(snapshot)));
  };
  return k;
}

} // namespace souk::actors
