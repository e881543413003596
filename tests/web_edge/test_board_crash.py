"""An act of a clerk's, and a process that ends before it knows what the service said of it."""

from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.web_edge.boarding import act, clerk, come_to, handed_in, own, path_of, states
from tests.web_edge.halls import hall_of
from tests.web_edge.standing import standing
from tests.zkservice.support import city
from verifier.client.errands import ErrandCounter
from wire.client import ServiceError
from zk.board_parts import Parts
from zkproto.v1 import errand_pb2 as pb

RECEIVED, REJECTED = pb.ERRAND_PART_STATE_RECEIVED, pb.ERRAND_PART_STATE_REJECTED
DONE = pb.ERRAND_PART_STATE_DONE


@pytest.mark.asyncio
async def test_an_act_cut_short_between_the_service_and_the_book_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends when the service has taken an act, and when it has not come to it."""
    (tmp_path / "city").mkdir()
    async with city(tmp_path / "city") as town:
        hall, real, died = await hall_of(town, tmp_path, 702), ErrandCounter.tell, list[str]()
        acts = {"birth": act("done", document="370102-8"), "insurance": act("rejected", message="请补充材料")}

        def dies(self: ErrandCounter, part: Any, outcome: Any, request_id: str = "") -> None:
            if not request_id or part.part == "birth":
                real(self, part, outcome, request_id)
            if request_id:
                died.append(part.part)
                raise ServiceError(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "the process ends here")

        async with standing(town, tmp_path / "first", **hall.given()) as before, clerk(before) as http:
            started = await handed_in(http, hall)
            with monkeypatch.context() as patch:
                patch.setattr(ErrandCounter, "tell", dies)
                patch.setattr(Parts, "told", lambda *_: None)
                for part, said in acts.items():
                    cut = await http.post(path_of(started, part), json=said, headers=own(before))
                    assert cut.status_code == 502
        assert died == [*acts]
        assert await states(started, "insurance") == [RECEIVED]
        async with standing(town, tmp_path / "second", **hall.given()) as after, clerk(after) as http:
            await come_to(http, started, "done", "birth")
            await come_to(http, started, "rejected", "insurance")
            for part, said in acts.items():
                sheet = (await http.get(path_of(started, part))).json()
                assert [each["document"] for each in sheet["decisions"]] == [said.get("document", "")]
                again = await http.post(path_of(started, part), json=said, headers=own(after))
                assert again.status_code == 200
        assert await states(started, "birth") == [RECEIVED, DONE]
        assert await states(started, "insurance") == [RECEIVED, REJECTED]
