"""Bundles of errands: read from the administrator's file, registered, listed."""

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from disclosure import LocalizedText, MalformedError, PolicyName, Reason, VerifierName
from disclosure.errand import Counter, ErrandBundle, ErrandBundleName, FieldType, FormField
from tlog import ProofFile, Verifier
from verifier import strict_yaml
from verifier.composite.nodes import Node, at
from verifier.errors import PolicyError
from wire.client import Endpoint, call
from wire.errand import bundle_of, bundle_to
from zkproto.v1 import errand_pb2, errand_pb2_grpc

_PAGE: Final = 100
_YES: Final = {"true": True, "false": False}


def load_bundle(path: Path) -> ErrandBundle:
    """Read a bundle's file; PolicyError with the place in it, OSError."""
    with path.open("rb") as file:
        octets = file.read(strict_yaml.MAX_OCTETS + 1)
    try:
        top = Node(strict_yaml.parse(octets, text_only=True))
    except strict_yaml.YamlError as error:
        raise PolicyError(str(error)) from None
    fields = top.fields(("id", "version", "name", "description", "counters"))
    with at("", inner=True):
        return ErrandBundle(
            ErrandBundleName(fields["id"].text(), fields["version"].whole()),
            _text(fields["name"]),
            _text(fields["description"]),
            tuple(map(_counter, fields["counters"].items())),
        )


def _counter(node: Node) -> Counter:
    fields = node.fields(("part", "name", "verifier", "policy"), ("fields", "depends_on", "settle_days"))
    with at(node.place, inner=True):
        return Counter(
            part=fields["part"].text(),
            display_name=_text(fields["name"]),
            verifier=fields["verifier"].read(VerifierName.parse),
            policy=fields["policy"].read(PolicyName.parse),
            fields=tuple(map(_field, fields["fields"].items())) if "fields" in fields else (),
            depends_on=tuple(each.text() for each in fields["depends_on"].items())
            if "depends_on" in fields
            else (),
            settle_days=fields["settle_days"].whole() if "settle_days" in fields else 0,
        )


def _field(node: Node) -> FormField:
    fields = node.fields(("id", "name", "type"), ("optional", "max_length"))
    kind = fields["type"].text()
    if kind not in set(FieldType):
        raise fields["type"].refuse(f"one of {', '.join(FieldType)} stands here")
    optional = _YES.get(fields["optional"].text()) if "optional" in fields else False
    if optional is None:
        raise fields["optional"].refuse("true or false stands here")
    length = {"max_length": fields["max_length"].whole()} if "max_length" in fields else {}
    with at(node.place, inner=True):
        return FormField(fields["id"].text(), _text(fields["name"]), FieldType(kind), optional, **length)


def _text(node: Node) -> LocalizedText:
    fields = node.fields(("zh", "en"))
    with at(node.place, inner=True):
        return LocalizedText(fields["zh"].text(), fields["en"].text())


class Bundles:
    """The service's register of bundles, over one channel, which leaving the context closes.

    Raises wire.client.ServiceError, MalformedError, tlog.TlogError.
    """

    def __init__(self, endpoint: Endpoint, log: Verifier) -> None:
        self._channel, self._log = endpoint.channel(), log
        self._errands = errand_pb2_grpc.ErrandServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def create(self, bundle: ErrandBundle, token: str) -> None:
        """Register a bundle, which then stands on the ledger; takes the administrator's token."""
        message = bundle_to(bundle)
        message.ClearField("name")
        request = errand_pb2.CreateErrandBundleRequest(
            errand_bundle_id=f"{bundle.name.bundle}@{bundle.name.version}", errand_bundle=message
        )
        answer = call(self._errands.CreateErrandBundle, request, token=token)
        if bundle_of(answer) != bundle:
            raise MalformedError(Reason.MALFORMED, "the service registered another bundle", field="name")
        ProofFile.parse(answer.proof).verify(bundle.entry(), self._log)

    def all(self) -> list[ErrandBundle]:
        """Return the bundles as the service lists them: without proofs."""
        found, token = list[ErrandBundle](), ""
        while True:
            request = errand_pb2.ListErrandBundlesRequest(page_size=_PAGE, page_token=token)
            page = call(self._errands.ListErrandBundles, request)
            found += map(bundle_of, page.errand_bundles)
            if not (token := page.next_page_token):
                return found
