#include "actors/wire_types.hpp"

#include "actors/type_ids.hpp"

namespace souk::actors {

namespace {

using runtime::repeat;

// The numbers travel between nodes of different releases: a new type takes the next free one, and a number is
// never used again.
//
// What is repeat::safe is a read, carries its own identity (an order's id, a session's hash), or sets what is
// set already. At worst the second time answers that it has been done: "already reviewed", "shipped already".

void add_commands(runtime::wire_book& book) {
  book.add<sign_up>(1, repeat::safe);
  book.add<get_user>(2, repeat::safe);
  book.add<get_credentials>(3, repeat::safe);
  book.add<open_session>(4, repeat::safe);
  book.add<authenticate>(5, repeat::safe);
  book.add<close_session>(6, repeat::safe);
  book.add<list_api_tokens>(7, repeat::safe);
  book.add<note_cart>(8, repeat::safe);
  // Told late it would take a newer cart out of its shopper's index, and nobody would find that cart any
  // more.
  book.add<forget_cart>(9, repeat::never);
  book.add<note_order>(10, repeat::safe);
  // The second time the hash is another one.
  book.add<reset_password>(11, repeat::safe);
  book.add<ask_password_reset>(12, repeat::safe);

  book.add<open_store>(20, repeat::safe);
  book.add<get_store>(21, repeat::safe);
  book.add<change_store>(22, repeat::safe);
  book.add<change_settings>(23, repeat::safe);
  book.add<note_mail>(24, repeat::safe);
  book.add<lift_suppression>(25, repeat::safe);
  book.add<change_mail_template>(26, repeat::safe);

  book.add<create_product>(30, repeat::safe);
  // Its drafts may set stock, see set_stock.
  book.add<change_product>(31, repeat::never);
  book.add<start_import>(32, repeat::safe);
  book.add<get_import>(33, repeat::safe);

  book.add<get_stock>(40, repeat::safe);
  // A figure counted on the shelf is right at one moment: set again after a sale it would put the sold goods
  // back.
  book.add<set_stock>(41, repeat::never);
  book.add<adjust_stock>(42, repeat::never);
  book.add<set_stock_policy>(43, repeat::safe);

  book.add<get_cart>(50, repeat::safe);
  book.add<add_to_cart>(51, repeat::never);
  book.add<set_cart_line>(52, repeat::safe);
  book.add<clear_cart>(53, repeat::safe);
  // The larger quantity of a line wins, and the guest's cart is gone the second time.
  book.add<merge_cart>(54, repeat::safe);
  // Takes pieces out of lines; which orders have done so, a cart remembers only while it lives.
  book.add<lines_ordered>(55, repeat::never);

  book.add<place_order>(60, repeat::safe);
  book.add<check_out>(61, repeat::safe);
  book.add<get_order>(62, repeat::safe);
  book.add<cancel_order>(63, repeat::safe);
  book.add<confirm_payment>(64, repeat::safe);
  book.add<mark_shipped>(65, repeat::safe);
  book.add<mark_delivered>(66, repeat::safe);
  book.add<capture_payment>(67, repeat::safe);
  // A refund and a return carry their ids.
  book.add<refund_order>(68, repeat::safe);
  book.add<request_return>(69, repeat::safe);
  book.add<step_return>(70, repeat::safe);
  book.add<receive_return>(71, repeat::safe);
  book.add<provider_told>(72, repeat::safe);
  book.add<parcel_left>(73, repeat::safe);

  book.add<post_review>(80, repeat::safe);
  book.add<vote_helpful>(81, repeat::safe);

  // A code or a card that is there answers the second time that it is.
  book.add<create_discount>(90, repeat::safe);
  book.add<get_discount>(91, repeat::safe);
  book.add<change_discount>(92, repeat::safe);
  book.add<check_discount>(93, repeat::safe);
  book.add<create_gift_card>(94, repeat::safe);
  book.add<get_gift_card>(95, repeat::safe);
  book.add<change_gift_card>(96, repeat::safe);
  book.add<get_gift_card_balance>(97, repeat::safe);

  book.add<create_webhook>(100, repeat::safe);
  book.add<change_webhook>(101, repeat::safe);
  book.add<remove_webhook>(102, repeat::safe);
  book.add<get_webhooks>(103, repeat::safe);
  // Sends once more, which receivers must expect anyway.
  book.add<redeliver_webhook>(104, repeat::safe);
  book.add<webhook_event>(105, repeat::safe);
}

// Answers are never asked again by themselves.
void add_answers(runtime::wire_book& book) {
  book.add<bool>(200, repeat::never);
  book.add<std::uint64_t>(201, repeat::never);
  book.add<std::string>(202, repeat::never);
  book.add<problem>(203, repeat::never);
  book.add<user_view>(210, repeat::never);
  book.add<storage::session_row>(211, repeat::never);
  book.add<std::vector<storage::session_row>>(212, repeat::never);
  book.add<storage::store_row>(220, repeat::never);
  book.add<product_written>(230, repeat::never);
  book.add<storage::import_row>(231, repeat::never);
  book.add<stock_view>(240, repeat::never);
  book.add<cart_view>(250, repeat::never);
  book.add<order_view>(260, repeat::never);
  book.add<storage::review_row>(280, repeat::never);
  book.add<storage::discount_row>(290, repeat::never);
  book.add<discount_offer>(291, repeat::never);
  book.add<storage::gift_card_row>(292, repeat::never);
  book.add<gift_card_balance>(293, repeat::never);
  book.add<storage::webhook_row>(300, repeat::never);
  book.add<std::vector<storage::webhook_row>>(301, repeat::never);
  book.add<storage::webhook_delivery_row>(302, repeat::never);
}

} // namespace

// Not here, although actors send them through the router: what holds only for one life of an entity in one
// process (terms shared by pointer, holds in memory and the activations that name them, a cart lent for a
// merge) and what the next owner of a shard knows from its rows (deadlines, settled holds, news of the
// catalog).
void add_shop_wire(runtime::wire_book& book) {
  add_commands(book);
  add_answers(book);
}

} // namespace souk::actors
