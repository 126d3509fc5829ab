"""What openapi.json promises, held against what the shop answers."""

import copy
import re

import jsonschema
import requests


def _with_null(node):
    """OpenAPI 3.0 says `nullable`, JSON Schema says null is one of the types."""
    if isinstance(node, list):
        return [_with_null(x) for x in node]
    if not isinstance(node, dict):
        return node
    node = {k: _with_null(v) for k, v in node.items()}
    if node.pop("nullable", False):
        return {"anyOf": [node, {"type": "null"}]}
    return node


class Schema:
    def __init__(self, url):
        self.document = requests.get(url + "/openapi.json", timeout=10).json()
        self.components = _with_null(copy.deepcopy(self.document["components"]))
        self.operations = {}
        for path, methods in self.document["paths"].items():
            pattern = re.compile("^" + re.sub(r"\{[a-z_]+\}", "[^/]+", path.replace(".", r"\.")) + "$")
            for method, operation in methods.items():
                self.operations[method.upper(), path] = (pattern, operation)
        self.seen = set()  # (operationId, status) answered and valid

    def find(self, method, path):
        for (known, template), (pattern, operation) in self.operations.items():
            if known == method and pattern.match(path):
                return template, operation
        return None, None

    def _resolve(self, node):
        if "$ref" not in node:
            return node
        kind, name = node["$ref"].split("/")[-2:]
        return self.document["components"][kind][name]

    def validator(self, schema):
        whole = {"components": self.components, **_with_null(schema)}
        return jsonschema.Draft7Validator(whole)

    def check(self, answer):
        """The status is one that the operation knows, the body is what it says it is."""
        request = answer.request
        path = re.sub(r"^https?://[^/]+", "", request.url).split("?")[0]
        template, operation = self.find(request.method, path)
        if operation is None:
            return
        where = f"{request.method} {template} -> {answer.status_code}"
        assert str(answer.status_code) in operation["responses"], f"{where} is not documented: {answer.text[:500]}"
        documented = self._resolve(operation["responses"][str(answer.status_code)])
        content = documented.get("content")
        if content is None:
            assert not answer.text, f"{where} has a body: {answer.text[:500]}"
        else:
            kind = answer.headers["Content-Type"].split(";")[0]
            assert kind in content, f"{where} is {kind}"
            if kind == "application/json":
                problems = list(self.validator(content[kind]["schema"]).iter_errors(answer.json()))
                assert not problems, f"{where}: {problems[0].message} at {list(problems[0].absolute_path)}\n{answer.text[:1500]}"
        for header in documented.get("headers", {}):
            if header in ("Location", "Retry-After", "WWW-Authenticate"):
                assert header in answer.headers, f"{where} lacks {header}"
        assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", answer.headers["X-Request-Id"])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        self.seen.add((operation["operationId"], answer.status_code))

    def watch(self, session):
        """From now on every answer of the session is checked."""
        session.hooks["response"].append(lambda answer, *_, **__: self.check(answer))
        return session
