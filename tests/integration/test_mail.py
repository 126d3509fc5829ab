"""What souk's mailers hand to a real mail server and to SendGrid, read back as a mail program would read it."""

import base64
import datetime
import email
import email.policy
import email.utils
import html.parser
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import requests

from providers import providers, receiver  # noqa: F401 (fixtures)

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATCHER = pathlib.Path(__file__).with_name("mail_catcher.py")
STORE, MAIL = "01HZX3J8QK0000000000000001", "01HZX3J8QK0000000000000002"


def probe_binary():
    folders = [os.environ.get("SOUK_BUILD_DIR"), ROOT / "build" / "release", ROOT / "build" / "dev", ROOT / "build"]
    for folder in filter(None, folders):
        candidate = pathlib.Path(folder) / "tests" / "mail-probe"
        if candidate.exists():
            return candidate
    pytest.fail("mail-probe is not built")


class Catcher:
    def __init__(self, folder, *flags):
        self.folder = folder / "mails"
        self.folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen([sys.executable, CATCHER, self.folder, *flags], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert "listens on" in line, line
        self.address = line.split()[-1]
        self.port = int(self.address.rsplit(":", 1)[1])

    def mails(self):
        """(the parsed mail, its envelope, its bytes), oldest first"""
        files = sorted(self.folder.glob("*.eml"))
        return [(email.message_from_bytes(f.read_bytes(), policy=email.policy.default), json.loads(f.with_suffix(".json").read_text()),
                 f.read_bytes()) for f in files]

    def only(self):
        (one,) = self.mails()
        return one

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=10)
        self.process.stdout.close()


class Probe:
    """One process that sends many mails, as soukd would."""

    def __init__(self, *words):
        self.process = subprocess.Popen([probe_binary(), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def send(self, **changes):
        mail = {"id": MAIL, "from_name": "Spice & Tea", "from": "shop@souk.test", "to": "ada@example.com", "subject": "Your order",
                "text": "Thanks.\n", "html": "<p>Thanks.</p>\n", **changes}
        return self.ask(**mail)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0
        self.process.stdout.close()


@pytest.fixture
def start(tmp_path):
    """Starts catchers and probes and ends them."""
    made = []

    def catcher(*flags):
        made.append(Catcher(tmp_path, *flags))
        return made[-1]

    def probe(*words):
        made.append(Probe(*words))
        return made[-1]

    start = type("Start", (), {"catcher": staticmethod(catcher), "probe": staticmethod(probe)})
    yield start
    for it in reversed(made):
        it.stop() if isinstance(it, Catcher) else it.close()


@pytest.fixture
def plain(start):
    catcher = start.catcher()
    return catcher, start.probe("smtp", f"smtp://{catcher.address}", "plain", "limit_ms=3000")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority of our own, and a certificate of it for 127.0.0.1 together with its key."""
    folder = tmp_path_factory.mktemp("tls")
    run = lambda *words: subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    run(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-addext", "basicConstraints=critical,CA:TRUE")
    for name, names in (("right", "IP:127.0.0.1"), ("other", "DNS:mail.example.com")):
        run(*new, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE")
        (folder / f"{name}.pem").write_text((folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text())
    return folder


def body(mail, kind):
    return mail.get_body((kind,)).get_content().replace("\r\n", "\n")


def test_a_mail_arrives_whole(plain):
    catcher, probe = plain
    text = "Grüße aus Köln – 19,99 €\n\n.\n..two dots\nFrom here on\ntrailing space \ta=b\n" + "lang " * 300 + "\n語" * 50 + "\n"
    page = "<p>Grüße &amp; Küsse</p>\n" + "<b>ß</b>" * 400 + "\n"
    answer = probe.send(from_name='Käthe "die" Töpferin', subject="Ihre Bestellung Nr. 1001 über Gewürze — vielen Dank, und bis bald! 🌶", text=text, html=page,
                        reply_to="hallo@toepferei.example", to="ada+tag@example.com")
    assert (answer["outcome"], answer["reference"], answer["error"]) == ("sent", "MAIL1", "")
    mail, envelope, raw = catcher.only()
    assert envelope == {"from": "shop@souk.test", "to": ["ada+tag@example.com"], "tls": False, "user": None, "helo": "souk.test"}
    assert mail.defects == [] and not any(part.defects for part in mail.walk())
    assert mail["Subject"] == "Ihre Bestellung Nr. 1001 über Gewürze — vielen Dank, und bis bald! 🌶"
    assert email.utils.parseaddr(str(mail["From"])) == ('Käthe "die" Töpferin', "shop@souk.test")
    assert (mail["To"], mail["Reply-To"], mail["Message-ID"]) == ("ada+tag@example.com", "hallo@toepferei.example", f"<{MAIL}@souk.test>")
    assert abs(mail["Date"].datetime - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(seconds=60)
    assert mail["List-Unsubscribe"] is None and mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert body(mail, "plain") == text and body(mail, "html") == page
    assert all(len(line) <= 78 for line in raw.split(b"\r\n")) and raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")


def test_marketing_can_be_unsubscribed_from(plain):
    catcher, probe = plain
    url = "https://shop.example/unsubscribe/" + "a" * 200
    assert probe.send(unsubscribe_url=url)["outcome"] == "sent"
    mail, _, _ = catcher.only()
    assert mail["List-Unsubscribe"].replace(" ", "") == f"<{url}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_one_body_is_enough(plain):
    catcher, probe = plain
    assert probe.send(html="", text="Only words, häh?")["outcome"] == probe.send(text="")["outcome"] == "sent"
    (words, _, _), (page, _, _) = catcher.mails()
    assert (words.get_content_type(), words.get_content().strip()) == ("text/plain", "Only words, häh?")
    assert (page.get_content_type(), page.get_content().strip()) == ("text/html", "<p>Thanks.</p>")


@pytest.mark.parametrize("changes, error", [
    ({"subject": "Hello\r\nBcc: victim@example.com"}, "bad_subject"), ({"subject": "Hello\nX: y"}, "bad_subject"),
    ({"subject": "Hello\rX: y"}, "bad_subject"), ({"subject": "a\0b"}, "bad_subject"), ({"subject": ""}, "bad_subject"),
    ({"from_name": "Shop\r\nBcc: victim@example.com"}, "bad_sender"), ({"from_name": "x" * 1001}, "bad_sender"),
    ({"from": "shop@souk.test>\r\nRCPT TO:<victim@example.com"}, "bad_sender"), ({"from": ""}, "bad_sender"),
    ({"to": "ada@example.com>\r\nDATA"}, "bad_recipient"), ({"to": "ada@example.com, victim@example.com"}, "bad_recipient"),
    ({"to": "ada example.com"}, "bad_recipient"), ({"to": "<ada@example.com>"}, "bad_recipient"), ({"to": "@example.com"}, "bad_recipient"),
    ({"to": "a..b@example.com"}, "bad_recipient"), ({"to": "ada@exämple.com"}, "bad_recipient"), ({"to": "x" * 65 + "@example.com"}, "bad_recipient"),
    ({"reply_to": "a@b.c\r\nBcc: victim@example.com"}, "bad_reply_to"), ({"id": "x>\r\nBcc: y"}, "bad_id"), ({"id": ""}, "bad_id"),
    ({"unsubscribe_url": "https://x.example/>\r\nBcc: y@z.w"}, "bad_unsubscribe_url"), ({"unsubscribe_url": "javascript:alert(1)"}, "bad_unsubscribe_url"),
    ({"text": "", "html": ""}, "bad_body"), ({"tags": {"store\r\nX": "y"}}, "bad_tag"), ({"tags": {"store": "y\r\nX: z"}}, "bad_tag"),
])
def test_nothing_of_a_mail_can_become_a_header_or_a_command(plain, changes, error):
    catcher, probe = plain
    answer = probe.send(**changes)
    assert (answer["outcome"], answer["error"], answer["bad_address"]) == ("refused", error, error == "bad_recipient")
    assert catcher.mails() == []
    assert probe.send()["outcome"] == "sent"  # and the next is none the worse for it


def test_a_subject_that_looks_encoded_is_read_as_it_was_written(plain):
    catcher, probe = plain
    assert probe.send(subject="=?UTF-8?Q?Bcc?= offer", from_name="=?UTF-8?Q?x?=")["outcome"] == "sent"
    mail, _, raw = catcher.only()
    assert mail["Subject"] == "=?UTF-8?Q?Bcc?= offer"
    assert b"=?UTF-8?Q?" not in raw


@pytest.mark.parametrize("box, outcome, bad_address, only_this", [
    ("unknown", "refused", True, False), ("old", "refused", True, False), ("moved", "refused", True, False),
    ("relay", "refused", False, False), ("spam", "refused", False, False), ("full", "not_now", False, True),
    ("later", "not_now", False, True),
])
def test_what_the_server_says_is_understood(plain, box, outcome, bad_address, only_this):
    catcher, probe = plain
    answer = probe.send(to=f"{box}@example.com")
    assert (answer["outcome"], answer["bad_address"], answer["only_this"]) == (outcome, bad_address, only_this)
    assert answer["error"].startswith("smtp_") and catcher.mails() == []
    assert probe.send()["outcome"] == "sent"


def test_a_greylisted_mail_arrives_the_second_time(plain):
    catcher, probe = plain
    assert probe.send(to="grey@example.com")["only_this"]
    assert probe.send(to="grey@example.com")["outcome"] == "sent" and len(catcher.mails()) == 1


def test_a_server_that_hangs_costs_the_time_limit_and_no_more(plain):
    catcher, probe = plain
    answer = probe.send(to="hang@example.com")
    assert (answer["outcome"], answer["only_this"]) == ("not_now", False) and 2500 < answer["took_ms"] < 4000
    again = probe.send()
    assert (again["outcome"], again["error"]) == ("not_now", "the server did not answer a moment ago") and again["took_ms"] < 100
    time.sleep(2.2)
    assert probe.send()["outcome"] == "sent"


def test_a_server_that_does_not_say_good_bye_has_the_mail_all_the_same(plain):
    catcher, probe = plain
    answer = probe.send(to="bye@example.com")
    assert (answer["outcome"], answer["reference"]) == ("sent", "MAIL1") and answer["took_ms"] < 5000
    assert len(catcher.mails()) == 1


def test_many_threads_send_at_once(plain, start, certificates):
    catcher, probe = plain
    assert probe.send(copies=30) == {"sent": 30}
    assert len({mail["Message-ID"] for mail, _, _ in catcher.mails()}) == 30
    secure = start.catcher("--certificate", certificates / "right.pem")
    assert start.probe("smtp", f"smtp://{secure.address}", f"authority={certificates / 'ca.pem'}").send(copies=30) == {"sent": 30}


def test_a_server_that_is_not_there_is_waited_for(start):
    catcher = start.catcher()
    probe = start.probe("smtp", f"smtp://{catcher.address}", "plain", "limit_ms=3000")
    catcher.stop()
    answer = probe.send()
    assert (answer["outcome"], answer["only_this"], answer["bad_address"]) == ("not_now", False, False) and answer["took_ms"] < 1000
    nowhere = start.probe("smtp", "smtp://nowhere.invalid:25", "plain", "limit_ms=3000").send()
    assert nowhere["outcome"] == "not_now"


def test_without_starttls_nothing_is_sent_unless_that_is_allowed(start, certificates):
    bare = start.catcher()
    answer = start.probe("smtp", f"smtp://{bare.address}").send()
    assert (answer["outcome"], bare.mails()) == ("not_now", [])
    assert start.probe("smtp", f"smtp://{bare.address}", "plain").send()["outcome"] == "sent"
    assert bare.only()[1]["tls"] is False


def test_starttls_with_a_certificate_that_holds(start, certificates):
    catcher = start.catcher("--certificate", certificates / "right.pem")
    assert start.probe("smtp", f"smtp://{catcher.address}", f"authority={certificates / 'ca.pem'}").send()["outcome"] == "sent"
    assert catcher.only()[1]["tls"] is True


def test_starttls_with_a_certificate_that_does_not(start, certificates):
    catcher = start.catcher("--certificate", certificates / "right.pem")
    stranger = start.probe("smtp", f"smtp://{catcher.address}").send()
    assert stranger["outcome"] == "not_now" and "certificate" in stranger["error"].lower()
    other = start.catcher("--certificate", certificates / "other.pem")
    wrong_name = start.probe("smtp", f"smtp://{other.address}", f"authority={certificates / 'ca.pem'}").send()
    assert wrong_name["outcome"] == "not_now" and catcher.mails() == []
    # Not required: encrypted as far as it goes, which is better than plain.
    assert start.probe("smtp", f"smtp://{catcher.address}", "plain").send()["outcome"] == "sent"
    assert catcher.only()[1]["tls"] is True


def test_smtps_and_a_password(start, certificates):
    catcher = start.catcher("--certificate", certificates / "right.pem", "--smtps", "--login", "shop:p@ss:word")
    authority = f"authority={certificates / 'ca.pem'}"
    assert start.probe("smtp", f"smtps://shop:p%40ss%3Aword@{catcher.address}", authority).send()["outcome"] == "sent"
    assert (catcher.only()[1]["user"], catcher.only()[1]["tls"]) == ("shop", True)
    for url in (f"smtps://shop:wrong@{catcher.address}", f"smtps://{catcher.address}"):
        answer = start.probe("smtp", url, authority).send()
        assert (answer["outcome"], answer["bad_address"]) == ("not_now", False), answer  # the operator's to mend; the mails wait
        assert "p@ss" not in answer["error"]
    assert len(catcher.mails()) == 1


class Page(html.parser.HTMLParser):
    """Every tag that is opened is closed, in order; notes what a mail program looks for."""

    EMPTY = {"meta", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.images, self.language, self.words = [], [], [], None, []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "html":
            self.language = found["lang"]
        elif tag == "a":
            self.links.append(found["href"])
        elif tag == "img":
            self.images.append((found["src"], found["alt"]))
        elif tag == "table":
            assert found["role"] == "presentation"
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


NAMES = ["order_confirmed", "order_shipped", "order_delivered", "order_cancelled", "order_refunded", "return_update", "payment_failed",
         "reservation_expired", "cart_abandoned", "low_stock", "gift_card", "webhook_disabled"]


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_every_mail_of_ours_can_be_read(plain, language):
    catcher, probe = plain
    for name in NAMES:
        assert probe.send(from_name="Käthe & Töchter", template=name, language=language)["outcome"] == "sent", name
    mails = catcher.mails()
    assert len({mail["Subject"] for mail, _, _ in mails}) == len(NAMES)
    for name, (mail, _, _) in zip(NAMES, mails):
        page, text = Page(body(mail, "html")), body(mail, "plain")
        assert (page.language, page.images) == (language, [("https://cdn.example/logo.png?a=1&b=2", "Käthe & Töchter")]), name
        words = " ".join("".join(page.words).split())
        assert mail["Subject"] in words and "{{" not in words + text, name
        assert all(link.startswith("https://") and link in text for link in page.links), name
        paragraphs = [" ".join(p.split()) for p in text.split("\n\n") if ":" not in p and " x " not in p]
        assert paragraphs and all(p in words for p in paragraphs), name  # text and page say the same


# -- SendGrid ---------------------------------------------------------------------


@pytest.fixture
def sendgrid(start, providers):  # noqa: F811
    return start.probe("sendgrid", f"{providers.url}/sendgrid", "SG.shop", "limit_ms=2000")


def test_sendgrid_takes_a_mail(sendgrid, providers):  # noqa: F811
    answer = sendgrid.send(from_name="Käthe", subject="Grüße", text="Grüße", html="<p>Grüße</p>", reply_to="hallo@example.com",
                           unsubscribe_url="https://shop.example/unsubscribe/x", tags={"store": STORE, "mail": MAIL})
    (mail,) = providers.ask("mails")["mails"]
    assert (answer["outcome"], answer["reference"]) == ("sent", mail["message_id"])
    assert mail["from"] == {"email": "shop@souk.test", "name": "Käthe"} and mail["reply_to"] == {"email": "hallo@example.com"}
    assert mail["personalizations"] == [{"to": [{"email": "ada@example.com"}], "custom_args": {"store": STORE, "mail": MAIL}}]
    assert mail["content"] == [{"type": "text/plain", "value": "Grüße"}, {"type": "text/html", "value": "<p>Grüße</p>"}]
    assert mail["headers"]["List-Unsubscribe"] == "<https://shop.example/unsubscribe/x>"
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_sendgrid_takes_many_at_once(sendgrid, providers):  # noqa: F811
    assert sendgrid.send(copies=30) == {"sent": 30}
    assert len({mail["headers"]["Message-ID"] for mail in providers.ask("mails")["mails"]}) == 30


def test_sendgrid_in_trouble(sendgrid, providers, start):  # noqa: F811
    for fault in ("limit_next", "fail_before_next", "drop_after_next", "partial_next"):
        providers.faults("sendgrid", **{fault: 1})
        answer = sendgrid.send()
        assert (answer["outcome"], answer["only_this"]) == ("not_now", False), fault
    assert sendgrid.send()["outcome"] == "sent"
    assert start.probe("sendgrid", f"{providers.url}/sendgrid", "SG.bad").send()["outcome"] == "not_now"
    assert sendgrid.send(subject="a\r\nb")["outcome"] == "refused"
    providers.faults("sendgrid", latency_ms=4000)
    slow = sendgrid.send()
    assert slow["outcome"] == "not_now" and slow["took_ms"] < 3500


def test_sendgrid_says_what_became_of_mails(sendgrid, providers, receiver, start):  # noqa: F811
    providers.admin("accounts", provider="sendgrid", account="SG.shop", webhooks=[{"url": receiver.url}])
    key = requests.get(f"{providers.url}/sendgrid/v3/user/webhooks/event/settings/signed", headers={"Authorization": "Bearer SG.shop"}, timeout=10).json()["public_key"]
    tags = {"store": STORE, "mail": MAIL}
    boxes = ["fine", "bounce", "dropped", "spamreport"]
    for box in boxes:
        assert sendgrid.send(to=f"{box}@Example.com", tags=tags)["outcome"] == "sent"
    reader = start.probe("sendgrid-events", key)

    def read(headers, raw):
        return reader.ask(signature=headers["X-Twilio-Email-Event-Webhook-Signature"],
                          timestamp=headers["X-Twilio-Email-Event-Webhook-Timestamp"], body=raw)

    found = {}
    for headers, raw, _, _ in receiver.wait(len(boxes)):
        for event in read(headers, raw.decode()):
            found[event["email"]] = event
    assert {e: (v["kind"], v["store"], v["mail"]) for e, v in found.items()} == {
        "bounce@example.com": (1, STORE, MAIL), "dropped@example.com": (2, STORE, MAIL), "spamreport@example.com": (3, STORE, MAIL)}
    assert "550" in found["bounce@example.com"]["reason"] and all(v["id"] for v in found.values())
    headers, raw, _, _ = receiver.received[1]
    assert read(headers, raw.decode() + " ") is None
    old = {**headers, "X-Twilio-Email-Event-Webhook-Timestamp": str(int(headers["X-Twilio-Email-Event-Webhook-Timestamp"]) - 1)}
    assert read(old, raw.decode()) is None
    assert read({**headers, "X-Twilio-Email-Event-Webhook-Signature": "AAAA"}, raw.decode()) is None
    other = base64.b64encode(base64.b64decode(key)[:-1] + b"\0").decode()
    stranger = start.probe("sendgrid-events", other)
    assert stranger.ask(signature=headers["X-Twilio-Email-Event-Webhook-Signature"],
                        timestamp=headers["X-Twilio-Email-Event-Webhook-Timestamp"], body=raw.decode()) is None
