"""The story of the demo, before anything is written."""

from datetime import UTC, datetime, timedelta

from inquiry_service.demo.story import DAYS, PREFIX, tell, words

NOW = datetime(2026, 11, 25, 11, 20, tzinfo=UTC)


def test_everything_happens_in_order_within_the_time_and_not_after_now() -> None:
    for case in tell(NOW, agents=3):
        times = [case.create_time, *(step.at for step in case.steps)]
        assert times == sorted(times)
        assert NOW - timedelta(days=DAYS + 1) < times[0] <= times[-1] < NOW


def test_story_is_the_same_each_time() -> None:
    assert tell(NOW, agents=3) == tell(NOW, agents=3)


def test_each_inquiry_can_be_told_from_others_by_its_external_id() -> None:
    ids = [case.external_id for case in tell(NOW, agents=3)]
    assert len(set(ids)) == len(ids)
    assert all(id_.startswith(PREFIX) for id_ in ids)


def test_there_are_words_for_every_category_and_agents_write_in_working_hours() -> None:
    said = words()
    for case in tell(NOW, agents=len(said["agents"])):
        assert said["notes"][case.letter.category]
        assert said["tags"][case.letter.category]
        for step in case.steps:
            assert step.doing == "follow_up" or (8 <= step.at.hour < 20 and step.at.weekday() < 6)


def test_newest_have_not_been_answered_yet() -> None:
    assert not any(step.doing == "reply" for case in tell(NOW, agents=3)[-2:] for step in case.steps)
