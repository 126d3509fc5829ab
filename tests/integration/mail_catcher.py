"""A mail server that keeps what it is sent: NNNN.eml as it arrived and NNNN.json with the envelope. The local part of a recipient's
address says what the server does with it:

    unknown, relay        550 to RCPT: no such mailbox; not for us
    full                  452 to RCPT, always
    grey                  450 to RCPT the first time
    hang                  no answer to RCPT
    spam, later           554, 451 after the text
    bye                   takes the mail and does not answer QUIT

It prints its address when it listens, and ends with SIGTERM.
"""

import argparse
import asyncio
import json
import pathlib
import signal
import ssl
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

FOR_RCPT = {
    "unknown": "550 5.1.1 no such user here",
    "relay": "550 5.7.1 relaying denied",
    "old": "550 no such user",
    "moved": "551 user not local",
    "full": "452 4.2.2 mailbox full",
}
AFTER_DATA = {"spam": "554 5.7.1 looks like spam", "later": "451 4.3.0 try again later"}
FOR_EVER = 3600


class Keeper:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.seen = set()

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        box = address.partition("@")[0]
        if box == "hang":
            await asyncio.sleep(FOR_EVER)
        if box in FOR_RCPT:
            return FOR_RCPT[box]
        if box == "grey" and address not in self.seen:
            self.seen.add(address)
            return "450 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        box = envelope.rcpt_tos[0].partition("@")[0]
        if box in AFTER_DATA:
            return AFTER_DATA[box]
        self.count += 1
        session.last_box = box
        name = self.folder / f"{self.count:04}"
        about = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": server.transport.get_extra_info("ssl_object") is not None,
                 "user": session.auth_data.login.decode() if session.authenticated else None, "helo": session.host_name}
        name.with_suffix(".eml").write_bytes(envelope.original_content)
        name.with_suffix(".json").write_text(json.dumps(about))
        return f"250 2.0.0 Ok: queued as MAIL{self.count}"

    async def handle_QUIT(self, server, session, envelope):
        if getattr(session, "last_box", "") == "bye":
            await asyncio.sleep(FOR_EVER)
        return "221 2.0.0 bye"


def context_of(certificate):
    if not certificate:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


async def serve(options):
    tls = context_of(options.certificate)
    keeper = Keeper(options.folder)

    def authenticate(server, session, envelope, mechanism, data):
        user, _, password = options.login.partition(":")
        right = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=right, auth_data=data)

    def connection():
        login = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False} if options.login else {}
        starttls = {"tls_context": tls} if tls and not options.smtps else {}
        return SMTP(keeper, hostname="catcher.test", loop=asyncio.get_running_loop(), **login, **starttls)

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", options.port, ssl=tls if options.smtps else None)
    print(f"listens on {'{}:{}'.format(*server.sockets[0].getsockname())}", flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    warnings.simplefilter("ignore")  # that a password may go over a plain connection is meant
    words.add_argument("folder", type=pathlib.Path)
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--certificate", help="PEM with certificate and key: STARTTLS is offered")
    words.add_argument("--smtps", action="store_true", help="TLS from the first byte instead")
    words.add_argument("--login", help="USER:PASSWORD, without which no mail is taken")
    asyncio.run(serve(words.parse_args()))


if __name__ == "__main__":
    main()
