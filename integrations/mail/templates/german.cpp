#include "integrations/mail/templates/words.hpp"

namespace souk::integrations {

const mail_language& german() {
  static const mail_language language{
    "de", ',', "Zwischensumme", "Rabatt", "Versand", "Steuer", "Enthaltene Steuer", "Gutschein", "Gesamt", "Lieferadresse",
    "Solche Mails abbestellen",
    {
      {"order_confirmed", "Ihre Bestellung {{order_number}} bei {{store_name}}",
       R"(Guten Tag {{customer_name}},
vielen Dank für Ihre Bestellung {{order_number}}.
{{#payment_due}}
Bitte zahlen Sie {{payment_due}} an {{store_name}} und geben Sie dabei die Bestellnummer {{order_number}} an. Sobald die Zahlung da ist, machen wir die Bestellung fertig.
{{/payment_due}}
{{^payment_due}}
Wir haben alles, was wir brauchen, und sagen Ihnen Bescheid, sobald sie unterwegs ist.
{{/payment_due}}
[lines]
[totals]
[address])"},
      {"order_shipped", "Ihre Bestellung {{order_number}} ist unterwegs",
       R"(Guten Tag {{customer_name}},
{{#partial}}
ein Teil Ihrer Bestellung {{order_number}} ist unterwegs. Der Rest kommt in einem weiteren Paket.
{{/partial}}
{{^partial}}
Ihre Bestellung {{order_number}} ist unterwegs.
{{/partial}}
{{#carrier}}
Sie reist mit {{carrier}}.
{{/carrier}}
{{#tracking_number}}
Sendungsnummer: {{tracking_number}}
{{/tracking_number}}
{{#tracking_url}}
[button tracking_url Sendung verfolgen]
{{/tracking_url}}
[lines]
[address])"},
      {"order_delivered", "Ihre Bestellung {{order_number}} ist angekommen",
       R"(Guten Tag {{customer_name}},
Ihre Bestellung {{order_number}} wurde zugestellt. Wir hoffen, sie gefällt Ihnen.
Falls etwas nicht stimmt, antworten Sie auf diese Mail.
[lines])"},
      {"order_cancelled", "Ihre Bestellung {{order_number}} wurde storniert",
       R"(Guten Tag {{customer_name}},
Ihre Bestellung {{order_number}} wurde storniert. Sie zahlen nichts dafür; was Sie schon bezahlt haben, kommt zurück.
[lines])"},
      {"order_refunded", "Ihre Erstattung zur Bestellung {{order_number}}",
       R"(Guten Tag {{customer_name}},
wir haben Ihnen {{amount}} zur Bestellung {{order_number}} erstattet, auf dem Weg, auf dem Sie bezahlt haben. Bis Sie das Geld sehen, vergehen bei Banken einige Tage.)"},
      {"return_update", "Ihre Rücksendung zur Bestellung {{order_number}}",
       R"(Guten Tag {{customer_name}},
{{#requested}}
Ihre Rücksendung zur Bestellung {{order_number}} liegt uns vor, wir sehen sie uns bald an.
{{/requested}}
{{#approved}}
Ihre Rücksendung zur Bestellung {{order_number}} ist genehmigt. Bitte schicken Sie uns die Ware zurück.
{{/approved}}
{{#declined}}
wir können die Ware Ihrer Bestellung {{order_number}} leider nicht zurücknehmen.
{{/declined}}
{{#received}}
die Ware, die Sie zur Bestellung {{order_number}} zurückgeschickt haben, ist angekommen.
{{/received}}
{{#closed}}
Ihre Rücksendung zur Bestellung {{order_number}} ist abgeschlossen.
{{/closed}}
{{#cancelled}}
Ihre Rücksendung zur Bestellung {{order_number}} wurde abgebrochen.
{{/cancelled}}
{{#note}}
{{store_name}} schreibt: {{note}}
{{/note}}
[lines])"},
      {"payment_failed", "Die Zahlung Ihrer Bestellung {{order_number}} ist fehlgeschlagen",
       R"(Guten Tag {{customer_name}},
Ihre Bestellung {{order_number}} konnte nicht bezahlt werden, deshalb mussten wir sie stornieren. Sie haben nichts bezahlt. Bitte bestellen Sie noch einmal und wählen Sie eine andere Zahlungsart.
[lines]
[button cart_url Zurück zum Laden])"},
      {"reservation_expired", "Ihre Bestellung {{order_number}} ist abgelaufen",
       R"(Guten Tag {{customer_name}},
Ihre Bestellung {{order_number}} wurde nicht rechtzeitig bezahlt, die Ware ist deshalb wieder für andere frei. Sie haben nichts bezahlt. Wenn Sie sie noch möchten, bestellen Sie bitte noch einmal.
[lines]
[button cart_url Zurück zum Laden])"},
      {"cart_abandoned", "Sie haben bei {{store_name}} etwas liegen lassen",
       R"(Guten Tag{{#customer_name}} {{customer_name}}{{/customer_name}},
das liegt noch in Ihrem Warenkorb:
[lines]
[button cart_url Zum Warenkorb])"},
      {"low_stock", "Wenig Vorrat: {{product}}",
       R"(Von {{product}}{{#sku}} (Artikelnummer {{sku}}){{/sku}} sind nur noch {{available}} da. Sie wollten ab {{threshold}} Bescheid wissen.)"},
      {"password_reset", "Neues Passwort setzen",
       R"(Guten Tag,
jemand hat für diese Adresse ein neues Passwort verlangt. Wenn Sie das waren, folgen Sie innerhalb einer Stunde dem Link.
[button reset_url Neues Passwort setzen]
Wenn Sie es nicht waren, tun Sie nichts: Ihr Passwort bleibt, wie es ist.)"},
      {"gift_card", "Ein Gutschein über {{amount}} für {{store_name}}",
       R"(Guten Tag,
hier ist ein Gutschein über {{amount}} für {{store_name}}.
{{#note}}
{{note}}
{{/note}}
Geben Sie beim Bezahlen diesen Code ein: {{code}}
{{#expires}}
Er gilt bis {{expires}}.
{{/expires}})"},
      {"webhook_disabled", "Ein Webhook von {{store_name}} ist abgeschaltet",
       R"(Der Webhook {{webhook_address}} hat lange kein Ereignis angenommen und wurde deshalb abgeschaltet. Es wird nichts mehr an ihn geschickt, bis Sie ihn wieder einschalten.)"},
    }};
  return language;
}

} // namespace souk::integrations
