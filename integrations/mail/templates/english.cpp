#include "integrations/mail/templates/words.hpp"

namespace souk::integrations {

const mail_language& english() {
  static const mail_language language{
    "en", '.', "Subtotal", "Discount", "Shipping", "Tax", "Tax included", "Gift card", "Total", "Delivery address",
    "Unsubscribe from such mails",
    {
      {"order_confirmed", "Your order {{order_number}} at {{store_name}}",
       R"(Hello {{customer_name}},
thank you for your order {{order_number}}.
{{#payment_due}}
Please pay {{payment_due}} to {{store_name}} and give the order number {{order_number}} with it. Your order is on its way as soon as the payment has arrived.
{{/payment_due}}
{{^payment_due}}
We have all we need and tell you when it is on its way.
{{/payment_due}}
[lines]
[totals]
[address])"},
      {"order_shipped", "Your order {{order_number}} is on its way",
       R"(Hello {{customer_name}},
{{#partial}}
a part of your order {{order_number}} is on its way. The rest follows in another parcel.
{{/partial}}
{{^partial}}
your order {{order_number}} is on its way.
{{/partial}}
{{#carrier}}
It travels with {{carrier}}.
{{/carrier}}
{{#tracking_number}}
Tracking number: {{tracking_number}}
{{/tracking_number}}
{{#tracking_url}}
[button tracking_url Track the parcel]
{{/tracking_url}}
[lines]
[address])"},
      {"order_delivered", "Your order {{order_number}} has arrived",
       R"(Hello {{customer_name}},
your order {{order_number}} has been delivered. We hope you like it.
If anything is wrong with it, answer this mail.
[lines])"},
      {"order_cancelled", "Your order {{order_number}} was cancelled",
       R"(Hello {{customer_name}},
your order {{order_number}} was cancelled. You pay nothing for it; what you have paid already comes back.
[lines])"},
      {"order_refunded", "Your refund for order {{order_number}}",
       R"(Hello {{customer_name}},
we have sent {{amount}} for your order {{order_number}} back to you, the way you paid. Banks take some days until you see it.)"},
      {"return_update", "Your return for order {{order_number}}",
       R"(Hello {{customer_name}},
{{#requested}}
we have your return for order {{order_number}} and will look at it soon.
{{/requested}}
{{#approved}}
your return for order {{order_number}} is approved. Please send the goods back to us.
{{/approved}}
{{#declined}}
we cannot take the goods of your order {{order_number}} back.
{{/declined}}
{{#received}}
the goods that you sent back for order {{order_number}} have arrived.
{{/received}}
{{#closed}}
your return for order {{order_number}} is done.
{{/closed}}
{{#cancelled}}
your return for order {{order_number}} was cancelled.
{{/cancelled}}
{{#note}}
{{store_name}} writes: {{note}}
{{/note}}
[lines])"},
      {"payment_failed", "The payment for your order {{order_number}} failed",
       R"(Hello {{customer_name}},
your order {{order_number}} could not be paid, so we had to cancel it. You have paid nothing. Please order again and choose another way to pay.
[lines]
[button cart_url Back to the shop])"},
      {"reservation_expired", "Your order {{order_number}} has expired",
       R"(Hello {{customer_name}},
your order {{order_number}} was not paid in time, so the goods are free for others again. You have paid nothing. If you still want them, please order again.
[lines]
[button cart_url Back to the shop])"},
      {"cart_abandoned", "You left something at {{store_name}}",
       R"(Hello{{#customer_name}} {{customer_name}}{{/customer_name}},
these things are still in your cart:
[lines]
[button cart_url Back to your cart])"},
      {"low_stock", "Low stock: {{product}}",
       R"(Of {{product}}{{#sku}} (SKU {{sku}}){{/sku}} only {{available}} are left. You asked to be told from {{threshold}} on.)"},
      {"password_reset", "Set a new password",
       R"(Hello,
somebody asked for a new password for this address. If it was you, follow the link within an hour.
[button reset_url Set a new password]
If it was not you, do nothing: your password stays as it is.)"},
      {"gift_card", "A gift card of {{amount}} for {{store_name}}",
       R"(Hello,
here is a gift card of {{amount}} for {{store_name}}.
{{#note}}
{{note}}
{{/note}}
Enter this code when you pay: {{code}}
{{#expires}}
It is good until {{expires}}.
{{/expires}})"},
      {"webhook_disabled", "A webhook of {{store_name}} is switched off",
       R"(The webhook {{webhook_address}} has not taken any event for a long time, so it was switched off. Nothing is sent to it until you switch it on again.)"},
    }};
  return language;
}

} // namespace souk::integrations
