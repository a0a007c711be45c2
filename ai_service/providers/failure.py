"""What it means that a provider gave no answer that can be used."""

from ai_service.analysis import Sent, Usage
from runtime.rpc.errors import Unavailable

NOTHING_SPENT, NOTHING_SENT = Usage(), Sent()


class Failure(Unavailable):
    """`usage` is what the call has cost all the same, `sent` what left this machine for it."""

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        defect: str = "",
        retry_delay: float | None = None,
        usage: Usage = NOTHING_SPENT,
        sent: Sent = NOTHING_SENT,
    ) -> None:
        super().__init__(message, reason=reason, metadata={"defect": defect} if defect else {}, retry_delay=retry_delay)
        self.defect = defect
        self.usage = usage
        self.sent = sent

    @property
    def is_of_the_call(self) -> bool:
        """The provider did not work, as opposed to a model that answered badly, which customers can bring about."""
        return self.defect == "no_completion" or self.reason not in {"PROVIDER_BAD_ANSWER", "PROVIDER_REFUSED"}


def bad_answer(defect: str, usage: Usage = NOTHING_SPENT) -> Failure:
    """There is an answer, and `defect` says what is wrong with it."""
    return Failure("The provider's answer cannot be used.", reason="PROVIDER_BAD_ANSWER", defect=defect, usage=usage)
