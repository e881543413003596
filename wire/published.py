"""Reading what is published, and checking it: schemas, keys, policies, tables, regulators, lists, epochs.

Holders and verifiers read alike, and believe the service nothing that it could make for one of them alone: a
schema or a key that a presentation names in the clear would tag its holder as well as a table would, and a
verifier's key of the service's own would sign requests in that verifier's name. All of it counts only with
the proof that the log, whose key the reader has, holds its record. What a proof cannot say is that nothing
else stands there: who runs the log cannot hide a second key, or a schema of one holder's, from whoever reads
it, and departments and verifiers look for such records under their own names. That a key signs no more, or is
retired, counts only with its record, too. What is believed is that a key is still active, which opens nothing
but what a verifier would refuse, that a policy has not been ended, and which of many is the newest.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import grpc

import tlog
from bbs import DecodingError
from bbs.accumulator import AccumulatorKey, Epoch
from bbs.ciphersuite import resolve
from disclosure import (
    Accumulator,
    AccumulatorName,
    DepartmentName,
    IssuerKey,
    IssuerKeyName,
    KeyState,
    MalformedError,
    PolicyName,
    Reason,
    RefusedError,
    Schema,
    SchemaName,
    VerifierName,
    epoch_entry,
)
from disclosure.composite import (
    CompositeDirectory,
    CompositeRequest,
    Needed,
    ProvenEpoch,
    Published,
    PublishedAccumulator,
    PublishedCodeList,
    PublishedDigits,
    Regulator,
    table_entry,
)
from disclosure.names import RegulatorName
from disclosure.policy import RegisteredPolicy
from disclosure.registry import issuer_key_entry, issuer_key_state_entry, schema_entry, verifier_entry
from wire import convert
from wire.client import DEFAULT_TIMEOUT, Seconds, ServiceError, call
from wire.composite import digest_of, published_of, regulator_of, table_name
from wire.kept import Kept
from wire.policy import policy_of
from wire.revocation import accumulator_of
from zkproto.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    policy_pb2,
    policy_pb2_grpc,
    publication_pb2,
    publication_pb2_grpc,
    revocation_pb2,
    revocation_pb2_grpc,
)
from zkproto.v1.states_pb2 import States

_PAGE: Final = 100
_Named = TypeVar("_Named", Schema, IssuerKey)


class Reader:
    """Reads over one channel; raises ServiceError, MalformedError, RefusedError, tlog.TlogError.

    `log` is the key of the log, which the reader has from elsewhere than from the service.
    """

    def __init__(self, channel: grpc.Channel, log: tlog.Verifier, kept: Kept | None = None) -> None:
        self._catalog = catalog_pb2_grpc.CatalogServiceStub(channel)
        self._policies = policy_pb2_grpc.PolicyServiceStub(channel)
        self._publication = publication_pb2_grpc.PublicationServiceStub(channel)
        self._revocation = revocation_pb2_grpc.RevocationServiceStub(channel)
        self._log, self._kept = log, Kept() if kept is None else kept

    def schema(self, name: SchemaName) -> Schema:
        """Return a schema."""
        if name not in self._kept.schemas:
            message = call(self._catalog.GetSchema, catalog_pb2.GetSchemaRequest(name=str(name)))
            found = _expected(convert.schema_of(message), name)
            self._check_logged(schema_entry(found), message.proof)
            self._kept.schemas[name] = found
        return self._kept.schemas[name]

    def issuer_key(self, name: IssuerKeyName) -> IssuerKey:
        """Return an issuer key with its present state."""
        return self._issuer_key(
            name, call(self._catalog.GetIssuerKey, catalog_pb2.GetIssuerKeyRequest(name=str(name)))
        )

    def _issuer_key(self, name: IssuerKeyName, message: catalog_pb2.IssuerKey) -> IssuerKey:
        found = _expected(convert.issuer_key_of(message), name)
        self._check_logged(issuer_key_entry(found), message.proof)
        if found.state is not KeyState.ACTIVE:
            self._check_logged(issuer_key_state_entry(name, found.state), message.state_proof)
        return found

    def issuer_keys(self, department: DepartmentName) -> list[IssuerKey]:
        """Return a department's keys, in all states."""
        keys, token = list[IssuerKey](), ""
        while True:
            asked = catalog_pb2.ListIssuerKeysRequest(
                parent=str(department), page_size=_PAGE, page_token=token
            )
            page = call(self._catalog.ListIssuerKeys, asked)
            keys += map(self._logged_key, map(convert.issuer_key_of, page.issuer_keys))
            if not (token := page.next_page_token):
                return keys

    def _logged_key(self, listed: IssuerKey) -> IssuerKey:
        """Return a key of a list, which has no proofs: one that was not read before is read by itself."""
        known = issuer_key_entry(listed) in self._kept.proofs
        if known and (
            listed.state is KeyState.ACTIVE
            or issuer_key_state_entry(listed.name, listed.state) in self._kept.proofs
        ):
            return listed
        return self.issuer_key(listed.name)

    def verifier_key(self, name: VerifierName, timeout: Seconds = DEFAULT_TIMEOUT) -> bytes:
        """Return a verifier's registered key, which never changes."""
        if name in self._kept.verifiers:
            return self._kept.verifiers[name]
        message = call(
            self._catalog.GetVerifier, catalog_pb2.GetVerifierRequest(name=str(name)), timeout=timeout
        )
        if message.name != str(name):
            raise _other()
        self._check_logged(verifier_entry(name, message.public_key), message.proof)
        self._kept.verifiers[name] = message.public_key
        return message.public_key

    def policy(self, name: PolicyName) -> RegisteredPolicy:
        """Return a policy; RefusedError POLICY_UNKNOWN for one that is not registered."""
        if name not in self._kept.policies:
            try:
                message = call(self._policies.GetPolicy, policy_pb2.GetPolicyRequest(name=str(name)))
            except ServiceError as error:
                if error.code is not grpc.StatusCode.NOT_FOUND:
                    raise
                detail = f"{name} is not registered"
                raise RefusedError(Reason.POLICY_UNKNOWN, detail, field="policy") from None
            found = policy_of(message)
            if found.name != name:
                raise _other()
            self._check_logged(found.entry(), message.proof)
            self._kept.policies[name] = found
        return self._kept.policies[name]

    def table(self, digest: bytes) -> Published:
        """Return a published table or list."""
        if digest not in self._kept.tables:
            found = self._table(table_name(digest))
            if found.table.digest != digest:
                raise _other()
            self._kept.tables[digest] = found
        return self._kept.tables[digest]

    def newest_digits(self, owner: str) -> PublishedDigits:
        """Return the newest table of digits of a department or a verifier."""
        found = self._table(f"{owner}/tables/-")
        if not isinstance(found, PublishedDigits) or found.owner != owner:
            raise _other()
        self._kept.tables[found.table.digest] = found
        return found

    def newest_list(self, owner: str, code_system: str) -> PublishedCodeList | None:
        """Return the newest list that an owner has published of a code system, if there is one."""
        return next(self._lists(owner, code_system), None)

    def first_list(self, owner: str, code_system: str, contents: bytes) -> PublishedCodeList | None:
        """Return the list of these contents that an owner has published, if there is one.

        Of several the first: what was registered by it stays the same when it is published once more.
        """
        found = [each for each in self._lists(owner, code_system) if each.contents == contents]
        return found[-1] if found else None

    def _lists(self, owner: str, code_system: str) -> Iterator[PublishedCodeList]:
        """Give the lists that an owner has published of a code system, newest first."""
        token = ""
        while True:
            asked = publication_pb2.ListTablesRequest(parent=owner, page_size=_PAGE, page_token=token)
            page = call(self._publication.ListTables, asked)
            for each in page.tables:
                if each.code_system == code_system:
                    found = self.table(digest_of(each.name))
                    wanted = (owner, code_system)
                    if not isinstance(found, PublishedCodeList) or (found.owner, found.code_system) != wanted:
                        raise _other()
                    yield found
            if not (token := page.next_page_token):
                return

    def _table(self, name: str) -> Published:
        message = call(self._publication.GetTable, publication_pb2.GetTableRequest(name=name))
        found = published_of(message)
        self._check_logged(table_entry(found), message.proof)
        return found

    def proof(self, entry: bytes) -> bytes:
        """Return the proof that an entry stands on the ledger, of what this reader has read; KeyError."""
        return self._kept.proofs[entry]

    def _check_logged(self, entry: bytes, proof: bytes) -> None:
        if self._kept.proofs.get(entry) == proof:
            return
        tlog.ProofFile.parse(proof).verify(entry, self._log)
        self._kept.proofs[entry] = proof

    def regulator(self, digest: bytes) -> Regulator:
        """Return a regulator by the digest of its key."""
        if digest not in self._kept.regulators:
            asked = publication_pb2.GetRegulatorRequest(name="regulators/-", digest=digest)
            message = call(self._publication.GetRegulator, asked)
            if self._regulator(message).key.digest != digest:
                raise _other()
        return self._kept.regulators[digest]

    def regulator_named(self, name: RegulatorName) -> Regulator:
        """Return a regulator by its name."""
        message = call(self._publication.GetRegulator, publication_pb2.GetRegulatorRequest(name=str(name)))
        found = self._regulator(message)
        if found.name != name:
            raise _other()
        return found

    def _regulator(self, message: publication_pb2.Regulator) -> Regulator:
        found = regulator_of(message)
        self._check_logged(found.entry(), message.proof)
        self._kept.regulators[found.key.digest] = found
        return found

    def accumulators(self, department: DepartmentName) -> list[Accumulator]:
        """Return a department's accumulators, newest first."""
        found, token = list[Accumulator](), ""
        while True:
            asked = revocation_pb2.ListAccumulatorsRequest(
                parent=str(department), page_size=_PAGE, page_token=token
            )
            page = call(self._revocation.ListAccumulators, asked)
            found += map(self._logged_accumulator, map(accumulator_of, page.accumulators))
            if not (token := page.next_page_token):
                return found

    def _logged_accumulator(self, listed: Accumulator) -> Accumulator:
        """Return an accumulator whose record stands on the ledger: it is read with its proof, once."""
        if listed.entry() not in self._kept.proofs:
            asked = revocation_pb2.GetAccumulatorRequest(name=str(listed.name))
            message = call(self._revocation.GetAccumulator, asked)
            if accumulator_of(message) != listed:
                raise _other()
            self._check_logged(listed.entry(), message.proof)
        return listed

    def epoch(self, name: AccumulatorName, key: AccumulatorKey, number: int | None = None) -> Epoch:
        """Return an epoch, or the newest, that stands on the ledger."""
        if number is not None and (key.octets, number) in self._kept.epochs:
            return self._kept.epochs[key.octets, number]
        asked = revocation_pb2.GetEpochRequest(accumulator=str(name), number=number)
        return self._epoch(key, number, call(self._revocation.GetEpoch, asked))

    def _epoch(self, key: AccumulatorKey, number: int | None, message: revocation_pb2.Epoch) -> Epoch:
        try:
            found = Epoch.from_octets(message.octets, key=key)
        except DecodingError:
            raise MalformedError(Reason.MALFORMED, "the octets are no epoch", field="octets") from None
        self._check_logged(epoch_entry(found), message.proof)
        if number not in (None, found.number):
            raise _other()
        self._kept.epochs[key.octets, found.number] = found
        return found

    def oldest_since(self, accumulator: Accumulator, since: dt.datetime) -> int | None:
        """Return the number of the first epoch that was made at a moment or later; None if there is none.

        Epochs' times only grow, so halving finds it.
        """
        newest, moment = self.epoch(accumulator.name, accumulator.key), since.timestamp()
        if newest.time < moment:
            return None
        low, high = 0, newest.number
        while low < high:
            middle = (low + high) // 2
            if self.epoch(accumulator.name, accumulator.key, middle).time >= moment:
                high = middle
            else:
                low = middle + 1
        return low

    def directory(
        self, request: CompositeRequest, proven: Iterable[ProvenEpoch] = (), told: States | None = None
    ) -> CompositeDirectory:
        """Return all that a request, and an answer that proves these epochs, are read with.

        Of each accumulator the newest epoch stands in it too, which is the one that holders answer for.
        `told` is how keys and accumulators stand, where the service has said it unasked.
        """
        needed = Needed.of(request)
        states = self._kept.told.of(request.digest) if told is None else told
        keys, newest = self._standing(needed, states or self._states(needed))
        tables = {digest: self.table(digest) for digest in needed.tables}
        accumulators = self._accumulators(needed.accumulators, keys, newest, list(proven))
        return CompositeDirectory(
            {name: self.schema(name) for name in needed.schemas},
            keys,
            {name: each for name, each in tables.items() if isinstance(each, PublishedDigits)},
            {name: each for name, each in tables.items() if isinstance(each, PublishedCodeList)},
            accumulators,
            {digest: self.regulator(digest).key for digest in needed.regulators},
            {name: self.verifier_key(name) for name in needed.verifiers},
        )

    def _states(self, needed: Needed) -> States:
        """Read how keys and accumulators stand now; all else that a request names never changes."""
        asked = publication_pb2.ReadStatesRequest(
            issuer_keys=map(str, needed.keys), accumulators=needed.accumulators
        )
        return call(self._publication.ReadStates, asked)

    def _standing(
        self, needed: Needed, states: States
    ) -> tuple[dict[IssuerKeyName, IssuerKey], dict[bytes, revocation_pb2.Epoch]]:
        """Return the keys, each with its records checked, and the epochs by accumulator, unchecked."""
        if (len(states.issuer_keys), len(states.epochs)) != (len(needed.keys), len(needed.accumulators)):
            raise _other()
        keys = zip(needed.keys, states.issuer_keys, strict=True)
        return (
            {name: self._issuer_key(name, each) for name, each in keys},
            dict(zip(needed.accumulators, states.epochs, strict=True)),
        )

    def _accumulators(
        self,
        wanted: dict[bytes, IssuerKeyName],
        keys: dict[IssuerKeyName, IssuerKey],
        newest: dict[bytes, revocation_pb2.Epoch],
        proven: list[ProvenEpoch],
    ) -> dict[bytes, PublishedAccumulator]:
        found = {}
        for octets, issuer in wanted.items():
            accumulator = self._accumulator(issuer.department, keys[issuer].suite, octets)
            key, owner = accumulator.key, str(DepartmentName(issuer.department))
            numbers = [each.number for each in proven if each.accumulator == octets]
            epochs = [self._epoch(key, None, newest[octets])]
            epochs += [self.epoch(accumulator.name, key, number) for number in numbers]
            found[octets] = PublishedAccumulator(owner, key, {each.number: each for each in epochs})
        return found

    def _accumulator(self, department: str, suite: str, octets: bytes) -> Accumulator:
        """Return the accumulator of a department and a public key, whose record stands on the ledger."""
        name = department, suite, octets
        if name not in self._kept.accumulators:
            key = AccumulatorKey(resolve(suite), octets)
            self._kept.accumulators[name] = self._logged_accumulator(Accumulator.of(department, key))
        return self._kept.accumulators[name]


def _expected(found: _Named, name: object) -> _Named:
    if found.name != name:
        raise _other()
    return found


def _other() -> MalformedError:
    return MalformedError(Reason.MALFORMED, "the service answered with something else than was asked for")


def check_epoch(octets: bytes, proof: bytes, key: AccumulatorKey, log: tlog.Verifier) -> Epoch:
    """Return the epoch of these octets if the log's signed checkpoint covers its record.

    Raises tlog.TlogError as `tlog.ProofFile` does; bbs.DecodingError (of another key, or malformed).
    """
    epoch = Epoch.from_octets(octets, key=key)
    tlog.ProofFile.parse(proof).verify(epoch_entry(epoch), log)
    return epoch
