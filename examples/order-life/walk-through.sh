#!/usr/bin/env bash
# An order from cart to return, with the mails that it makes, on a shop that ./souk up has started.
#   examples/order-life/walk-through.sh [VAR]      VAR: where its state is, ./var by default
set -euo pipefail
VAR=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/var}
SHOP=$(<"$VAR/run/ready")
PROVIDERS=http://127.0.0.1:$(<"$VAR/run/providers.port")
RUN=$(od -An -v -tx1 -N5 /dev/urandom | tr -d " \n" | tr a-f g-l) # the sandbox refuses accounts with "bad" in their names

step() { printf '\n== %s\n' "$*"; }
# call METHOD PATH TOKEN [JSON]: the answer's body; a refusal ends the walk
call() {
  local answer status
  answer=$(curl -sS -X "$1" "$SHOP$2" ${3:+-H "Authorization: Bearer $3"} ${4:+-H "Content-Type: application/json" -d "$4"} -w '\n%{http_code}')
  status=${answer##*$'\n'}
  if ((status >= 300)); then
    printf '%s %s: %s\n' "$1" "$2" "$answer" >&2
    return 1
  fi
  printf '%s' "${answer%$'\n'*}"
}
# mails SEEN ADDRESS: waits until more than SEEN mails have come to the address, and shows the new ones
mails() {
  /usr/bin/python3 - "$VAR/mail/new" "$1" "$2" <<'PY'
import email, email.policy, pathlib, sys, time
folder, seen, address = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
for _ in range(150):
    files = sorted(folder.iterdir(), key=lambda f: f.stat().st_mtime)
    all_ = [email.message_from_bytes(f.read_bytes(), policy=email.policy.default) for f in files]
    mine = [m for m in all_ if address in str(m["To"])]
    if len(mine) > seen:
        break
    time.sleep(0.1)
else:
    sys.exit(f"no mail came to {address}")
for mail in mine[seen:]:
    print(f'   From: {mail["From"]}\n   Subject: {mail["Subject"]}')
    for line in mail.get_body(("plain",)).get_content().strip().splitlines()[:8]:
        print("   |", line)
PY
}

step "a merchant opens a store and connects Stripe (its sandbox here)"
PERSON='{"email":"merchant-'$RUN'@example.com","password":"correct horse battery","name":"Mary"}'
MERCHANT=$(call POST /users "" "$PERSON" | jq -r .token)
STORE=$(call POST /stores "$MERCHANT" '{"store_name":"Teapots of Mary","slug":"mary-'$RUN'","currency":"EUR","tax_rate":"0.19","tax_inclusive":true,
  "shipping_zones":[{"name":"Everywhere","countries":["*"],"rates":[{"name":"Standard","price":"4.90"}]}]}' | jq -r .store_id)
SECRET=whsec_c291a3NvdWtzb3Vrc291a3NvdWtzb3Vr
HOOK=$(call PUT "/stores/$STORE/payment-accounts/stripe" "$MERCHANT" '{"publishable_key":"pk_test_1","secret_key":"sk_test_'$RUN'","webhook_secrets":["'$SECRET'"]}' | jq -r .webhook_url)
curl -fsS "$PROVIDERS/admin/accounts" -d '{"provider":"stripe","account":"sk_test_'$RUN'","webhooks":[{"url":"'"$HOOK"'","secrets":["'$SECRET'"]}]}' >/dev/null
PRODUCT=$(call POST "/stores/$STORE/products" "$MERCHANT" '{"name":"Teapot","price":"25.00","stock":10}' | jq -r .product_id)
VARIANT=$(call GET "/products/$PRODUCT" "" | jq -r '.variants[0].variant_id')
call POST "/stores/$STORE/discounts" "$MERCHANT" '{"code":"WELCOME","rule":{"kind":"percent","percent":"0.1"}}' | jq -c '{code, rule: .rule.kind}'

step "a shopper signs up, fills the cart and asks for the price"
WHO=ada-$RUN@example.com
eval "$(call POST /users "" '{"email":"'$WHO'","password":"correct horse battery","name":"Ada Lovelace"}' | jq -r '"SHOPPER=\(.user_id) TOKEN=\(.token)"')"
call POST "/carts/$SHOPPER/items" "$TOKEN" '{"product_id":"'$PRODUCT'","variant_id":"'$VARIANT'","quantity":2}' | jq -c '{item_count, total}'
ADDRESS='{"name":"Ada Lovelace","line1":"12 St James Square","city":"London","postal_code":"SW1Y 4LB","country":"GB"}'
call POST "/stores/$STORE/quotes" "$TOKEN" '{"shipping_address":'"$ADDRESS"',"discount_codes":["WELCOME"]}' | jq -c '{subtotal, discount, shipping, tax, total}'

step "checks out, and pays on the provider's page"
eval "$(call POST /orders "$TOKEN" '{"user_id":"'$SHOPPER'","store_id":"'$STORE'","from_cart":true,"email":"'$WHO'","discount_codes":["WELCOME"],
  "shipping_address":'"$ADDRESS"',"payment_method":{"type":"stripe","token":"hosted"}}' | jq -r '"ORDER=\(.order_id) PAGE=\(.next_action.url)"')"
SESSION=$(grep -o 'cs_test_[A-Za-z0-9]*' <<<"$PAGE" | head -1)
curl -fsS "$PROVIDERS/admin/stripe/act" -d '{"account":"sk_test_'$RUN'","id":"'"$SESSION"'","action":"pay"}' >/dev/null
for _ in {1..100}; do
  STATUS=$(call GET "/orders/$ORDER" "$TOKEN" | jq -r .status)
  if [[ $STATUS == paid ]]; then break; fi
  sleep 0.1
done
echo "   the order is $STATUS"
mails 0 "$WHO"

step "the merchant sends a parcel, and it arrives"
call POST "/orders/$ORDER/fulfilment" "$MERCHANT" '{"carrier":"DHL","tracking_number":"00340434161094042557","tracking_url":"https://www.dhl.com/track?id=00340434161094042557"}' | jq -c '{status}'
mails 1 "$WHO"
call POST "/orders/$ORDER/delivered" "$MERCHANT" | jq -c '{status}'
mails 2 "$WHO"

step "one teapot is too small: it comes back, and its price with it"
RETURN=$(call POST "/orders/$ORDER/returns" "$TOKEN" '{"lines":[{"line":1,"quantity":1,"reason":"too_small"}],"note":"For one cup only"}' | jq -r '.returns[0].return_id')
call POST "/orders/$ORDER/returns/$RETURN/approve" "$MERCHANT" '{"note":"Please send it back"}' | jq -c '.returns[0].status'
call POST "/orders/$ORDER/returns/$RETURN/receive" "$MERCHANT" | jq -c '{refunded, status}'
mails 5 "$WHO"

step "who did what, when"
call GET "/orders/$ORDER/timeline" "$TOKEN" | jq -r '.timeline[] | "   \(.at)  \(.who): \(.event)"'
step "the day's money is the same here and at the provider"
"$(dirname "${BASH_SOURCE[0]}")/../../souk" reconcile --var "$VAR" "$STORE" "$(date -u +%F)"
