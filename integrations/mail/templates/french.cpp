#include "integrations/mail/templates/words.hpp"

namespace souk::integrations {

const mail_language& french() {
  static const mail_language language{
    "fr", ',', "Sous-total", "Remise", "Livraison", "Taxes", "Taxes comprises", "Carte cadeau", "Total", "Adresse de livraison",
    "Ne plus recevoir ce genre de message",
    {
      {"order_confirmed", "Votre commande {{order_number}} chez {{store_name}}",
       R"(Bonjour {{customer_name}},
merci pour votre commande {{order_number}}.
{{#payment_due}}
Merci de régler {{payment_due}} à {{store_name}} en indiquant le numéro de commande {{order_number}}. Nous préparons la commande dès que le paiement est arrivé.
{{/payment_due}}
{{^payment_due}}
Nous avons tout ce qu’il nous faut et vous écrirons dès qu’elle sera en route.
{{/payment_due}}
[lines]
[totals]
[address])"},
      {"order_shipped", "Votre commande {{order_number}} est en route",
       R"(Bonjour {{customer_name}},
{{#partial}}
une partie de votre commande {{order_number}} est en route. Le reste suivra dans un autre colis.
{{/partial}}
{{^partial}}
votre commande {{order_number}} est en route.
{{/partial}}
{{#carrier}}
Elle voyage avec {{carrier}}.
{{/carrier}}
{{#tracking_number}}
Numéro de suivi : {{tracking_number}}
{{/tracking_number}}
{{#tracking_url}}
[button tracking_url Suivre le colis]
{{/tracking_url}}
[lines]
[address])"},
      {"order_delivered", "Votre commande {{order_number}} est arrivée",
       R"(Bonjour {{customer_name}},
votre commande {{order_number}} a été livrée. Nous espérons qu’elle vous plaît.
Si quelque chose ne va pas, répondez à ce message.
[lines])"},
      {"order_cancelled", "Votre commande {{order_number}} a été annulée",
       R"(Bonjour {{customer_name}},
votre commande {{order_number}} a été annulée. Vous ne payez rien ; ce que vous avez déjà payé vous est rendu.
[lines])"},
      {"order_refunded", "Votre remboursement pour la commande {{order_number}}",
       R"(Bonjour {{customer_name}},
nous vous avons remboursé {{amount}} pour la commande {{order_number}}, par le moyen que vous aviez utilisé pour payer. Les banques mettent quelques jours à l’afficher.)"},
      {"return_update", "Votre retour pour la commande {{order_number}}",
       R"(Bonjour {{customer_name}},
{{#requested}}
nous avons bien reçu votre demande de retour pour la commande {{order_number}} et l’examinerons bientôt.
{{/requested}}
{{#approved}}
votre retour pour la commande {{order_number}} est accepté. Merci de nous renvoyer la marchandise.
{{/approved}}
{{#declined}}
nous ne pouvons malheureusement pas reprendre la marchandise de votre commande {{order_number}}.
{{/declined}}
{{#received}}
la marchandise que vous avez renvoyée pour la commande {{order_number}} est arrivée.
{{/received}}
{{#closed}}
votre retour pour la commande {{order_number}} est terminé.
{{/closed}}
{{#cancelled}}
votre retour pour la commande {{order_number}} a été annulé.
{{/cancelled}}
{{#note}}
{{store_name}} écrit : {{note}}
{{/note}}
[lines])"},
      {"payment_failed", "Le paiement de votre commande {{order_number}} a échoué",
       R"(Bonjour {{customer_name}},
votre commande {{order_number}} n’a pas pu être payée, nous avons donc dû l’annuler. Vous n’avez rien payé. Merci de commander à nouveau avec un autre moyen de paiement.
[lines]
[button cart_url Retour à la boutique])"},
      {"reservation_expired", "Votre commande {{order_number}} a expiré",
       R"(Bonjour {{customer_name}},
votre commande {{order_number}} n’a pas été payée à temps, la marchandise est donc de nouveau disponible pour d’autres. Vous n’avez rien payé. Si vous la voulez encore, merci de commander à nouveau.
[lines]
[button cart_url Retour à la boutique])"},
      {"cart_abandoned", "Vous avez oublié quelque chose chez {{store_name}}",
       R"(Bonjour{{#customer_name}} {{customer_name}}{{/customer_name}},
voici ce qui se trouve encore dans votre panier :
[lines]
[button cart_url Retour au panier])"},
      {"low_stock", "Stock bas : {{product}}",
       R"(Il ne reste que {{available}} de {{product}}{{#sku}} (référence {{sku}}){{/sku}}. Vous vouliez être prévenu à partir de {{threshold}}.)"},
      {"password_reset", "Choisir un nouveau mot de passe",
       R"(Bonjour,
quelqu’un a demandé un nouveau mot de passe pour cette adresse. Si c’était vous, suivez le lien dans l’heure.
[button reset_url Choisir un nouveau mot de passe]
Si ce n’était pas vous, ne faites rien : votre mot de passe reste le même.)"},
      {"gift_card", "Une carte cadeau de {{amount}} pour {{store_name}}",
       R"(Bonjour,
voici une carte cadeau de {{amount}} pour {{store_name}}.
{{#note}}
{{note}}
{{/note}}
Saisissez ce code au moment de payer : {{code}}
{{#expires}}
Elle est valable jusqu’au {{expires}}.
{{/expires}})"},
      {"webhook_disabled", "Un webhook de {{store_name}} est désactivé",
       R"(Le webhook {{webhook_address}} n’a accepté aucun événement depuis longtemps et a donc été désactivé. Rien ne lui est plus envoyé tant que vous ne l’avez pas réactivé.)"},
    }};
  return language;
}

} // namespace souk::integrations
