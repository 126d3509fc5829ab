"""The sandbox of SendGrid keeps the contract of mail/send and of its signed event webhook."""

import base64
import json
import signal
import subprocess
import time

import pytest
import requests

from providers import providers, receiver  # noqa: F401 (fixtures)


class SendGrid:
    def __init__(self, running, key="SG.shop"):
        self.running, self.key = running, key

    def send(self, to="ada@example.com", **changes):
        mail = {"personalizations": [{"to": [{"email": to, "name": "Ada"}], "custom_args": {"outbox_id": "o1"}}],
                "from": {"email": "shop@example.com"}, "subject": "Your order",
                "content": [{"type": "text/plain", "value": "Thanks"}, {"type": "text/html", "value": "<p>Thanks</p>"}], **changes}
        return requests.post(f"{self.running.url}/sendgrid/v3/mail/send", json={k: v for k, v in mail.items() if v is not None},
                             headers={"Authorization": f"Bearer {self.key}"}, timeout=10)


@pytest.fixture
def sendgrid(providers):  # noqa: F811
    return SendGrid(providers)


def test_a_mail_is_accepted_and_kept(sendgrid, providers):  # noqa: F811
    content = base64.b64encode(b"invoice").decode()
    answer = sendgrid.send(attachments=[{"content": content, "filename": "a.pdf", "type": "application/pdf"}])
    assert (answer.status_code, answer.content) == (202, b"") and answer.headers["X-Message-Id"]
    mail = providers.ask("mails")["mails"][0]
    assert (mail["message_id"], mail["account"], mail["subject"], mail["seq"]) == (answer.headers["X-Message-Id"], "SG.shop", "Your order", 1)
    assert mail["personalizations"][0]["custom_args"] == {"outbox_id": "o1"}
    assert mail["attachments"] == [{"bytes": 7, "filename": "a.pdf", "type": "application/pdf"}]
    sendgrid.send()  # no idempotency: the same again is another mail
    page = providers.ask("mails", after=1)
    assert (len(page["mails"]), page["next"]) == (1, 2)
    assert sendgrid.send(mail_settings={"sandbox_mode": {"enable": True}}).status_code == 200
    assert len(providers.ask("mails")["mails"]) == 2
    assert sendgrid.send(mail_settings={"sandbox_mode": 1}).status_code == 202


@pytest.mark.parametrize("changes, field", [
    ({"personalizations": None}, "personalizations"), ({"personalizations": [{}]}, "personalizations.0.to"),
    ({"to": "nobody"}, "personalizations.0.to.0.email"), ({"from": None}, "from.email"), ({"subject": None}, "subject"),
    ({"content": []}, "content"), ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
    ({"content": [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]}, "content"),
    ({"categories": ["c"] * 11}, "categories"), ({"attachments": "x"}, "attachments"), ({"personalizations": "x"}, "personalizations"),
    ({"reply_to": []}, "reply_to.email"), ({"send_at": int(time.time()) + 80 * 3600}, "send_at"),
])
def test_bad_mails_are_named(sendgrid, providers, changes, field):  # noqa: F811
    answer = sendgrid.send(**changes)
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["field"]) == (400, field) and error["message"] and "help" in error
    assert providers.ask("mails")["mails"] == []


def test_keys_types_and_a_template(sendgrid, providers):  # noqa: F811
    assert sendgrid.send(subject=None, content=None, template_id="d-1").status_code == 202
    for key in ("SG.bad", "nothing"):
        assert SendGrid(providers, key).send().status_code == 401
    url, headers = f"{providers.url}/sendgrid/v3/mail/send", {"Authorization": "Bearer SG.shop"}
    assert requests.post(url, data="x", headers={**headers, "Content-Type": "text/plain"}, timeout=10).status_code == 415
    assert requests.post(url, data="{", headers={**headers, "Content-Type": "application/json"}, timeout=10).status_code == 400
    assert requests.get(f"{providers.url}/sendgrid/v3/nothing", headers=headers, timeout=10).status_code == 404


def check(public_key, headers, body, folder):
    text = headers["X-Twilio-Email-Event-Webhook-Timestamp"].encode() + body
    (folder / "key.der").write_bytes(base64.b64decode(public_key))
    (folder / "sig").write_bytes(base64.b64decode(headers["X-Twilio-Email-Event-Webhook-Signature"]))
    (folder / "text").write_bytes(text)
    done = subprocess.run(["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", "key.der", "-signature", "sig", "text"],
                          cwd=folder, capture_output=True, text=True)
    return "Verified OK" in done.stdout


def test_events_are_signed(sendgrid, providers, receiver, tmp_path):  # noqa: F811
    providers.admin("accounts", provider="sendgrid", account="SG.shop", webhooks=[{"url": receiver.url}])
    key = requests.get(f"{providers.url}/sendgrid/v3/user/webhooks/event/settings/signed", headers={"Authorization": "Bearer SG.shop"}, timeout=10).json()["public_key"]
    message = sendgrid.send().headers["X-Message-Id"]
    headers, body, _, _ = receiver.wait(1)[0]
    events = json.loads(body)
    assert [(e["event"], e["email"], e["outbox_id"]) for e in events] == [("processed", "ada@example.com", "o1"), ("delivered", "ada@example.com", "o1")]
    assert all(e["sg_message_id"].startswith(message + ".") and e["sg_event_id"] and e["timestamp"] for e in events)
    assert check(key, headers, body, tmp_path) and not check(key, headers, body + b" ", tmp_path)
    sendgrid.send(to="bounce@example.com")
    assert [e["event"] for e in json.loads(receiver.wait(2)[1][1])] == ["processed", "bounce"]
    fired = providers.admin("sendgrid/event", account="SG.shop", event="spamreport", message_id=message)
    assert (fired["event"], fired["email"], fired["outbox_id"]) == ("spamreport", "ada@example.com", "o1")
    receiver.wait(3)
    receiver.answers = [503]
    providers.faults("sendgrid", webhook_forge_next=1)
    providers.admin("sendgrid/event", account="SG.shop", event="bounce", email="x@example.com", reason="full")
    forged, good = receiver.wait(5)[3:5]
    assert not check(key, forged[0], forged[1], tmp_path) and check(key, good[0], good[1], tmp_path)
    providers.stop(signal.SIGKILL)
    providers.start()
    providers.admin("sendgrid/event", account="SG.shop", event="open", message_id=message)
    last = receiver.wait(6)[5]
    assert check(key, last[0], last[1], tmp_path)  # the key outlives the process


def test_faults_and_restarts(sendgrid, providers):  # noqa: F811
    for fault, status, kept in (("limit_next", 429, 0), ("fail_before_next", 500, 0), ("fail_next", 500, 1)):
        providers.faults("sendgrid", **{fault: 1})
        assert sendgrid.send().status_code == status
        assert len(providers.ask("mails")["mails"]) == kept
    for fault in ("drop_after_next", "partial_next"):
        providers.faults("sendgrid", **{fault: 1})
        with pytest.raises(requests.exceptions.ConnectionError):
            sendgrid.send()
    mails = providers.ask("mails")["mails"]
    assert len(mails) == 3
    providers.stop(signal.SIGKILL)
    providers.start()
    assert providers.ask("mails")["mails"] == mails
